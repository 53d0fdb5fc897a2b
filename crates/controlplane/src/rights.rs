//! What a write takes beyond the right to write.

use futures_util::future::BoxFuture;
use pintle_endpoints::context::RequestContext;
use pintle_runtime::field_path::ErrorList;
use pintle_runtime::gvk::GroupResource;
use pintle_runtime::status::ApiError;
use pintle_runtime::value::Record;

use crate::access::Access;
use crate::admission::Elsewhere;
use crate::rbac::{self, escalation};
use crate::{devices, parameters};

/// Who is asked, of the kinds of a group that have such rights.
#[derive(Clone)]
pub(crate) struct Rights {
    of: Of,
    access: Access,
    elsewhere: Elsewhere,
}

#[derive(Clone, Copy)]
enum Of {
    Roles,
    Policies,
    Devices,
}

/// A write: `old` is there on an update, the subresource is empty for the object itself.
#[derive(Clone, Copy)]
pub(crate) struct Write<'a> {
    pub cx: &'a RequestContext,
    pub resource: &'a GroupResource,
    pub subresource: &'a str,
    pub new: &'a Record,
    pub old: Option<&'a Record>,
    /// Whether parts of a claim's status take rights of their own.
    pub by_part: bool,
}

impl Rights {
    /// Those of a resource, if it has any.
    pub(crate) fn of(
        resource: &GroupResource,
        access: &Access,
        elsewhere: &Elsewhere,
    ) -> Option<Self> {
        let of = match resource.group.as_str() {
            rbac::GROUP => Of::Roles,
            parameters::GROUP => Of::Policies,
            devices::GROUP if resource.resource.starts_with("resourceclaim") => Of::Devices,
            _ => return None,
        };
        Some(Self {
            of,
            access: access.clone(),
            elsewhere: elsewhere.clone(),
        })
    }

    /// Checks a write, if there is anything to check; `validate` says what else is wrong with it.
    pub(crate) fn check<'a>(
        &'a self,
        write: Write<'a>,
        validate: impl FnOnce() -> ErrorList,
    ) -> Option<BoxFuture<'a, Result<(), ApiError>>> {
        let Write {
            cx,
            resource,
            subresource,
            new,
            old,
            by_part,
        } = write;
        let (access, elsewhere) = (&self.access, &self.elsewhere);
        match self.of {
            Of::Devices => {
                let writing = devices::Writing {
                    access,
                    elsewhere,
                    cx,
                    subresource,
                    new,
                    old,
                    by_part,
                };
                let wanted = writing.wanted()?;
                Some(Box::pin(writing.check(wanted, validate())))
            }
            _ if !subresource.is_empty() => None,
            Of::Roles => escalation::check(access, resource, cx, new, old),
            Of::Policies => {
                let check = parameters::check(access, elsewhere, resource, cx, new, old)?;
                // What is wrong is told as such.
                validate().is_empty().then_some(check)
            }
        }
    }
}
