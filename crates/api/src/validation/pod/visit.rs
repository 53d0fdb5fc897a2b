//! Containers of every sort, one after the other.

use pintle_runtime::field_path::Path;
use pintle_runtime::schema::{Ref, TypeRef};
use pintle_runtime::value::{Record, Value};

use crate::core::v1::{Container, ContainerMut, EphemeralContainer, PodSpec, PodSpecMut, tables};

/// Calls `visit` for init containers, containers and ephemeral containers, in this order, with where
/// each is below `path`. An ephemeral container comes as the container it mostly is.
pub fn for_each_container(
    spec: PodSpec<'_>,
    path: &Path<'_>,
    visit: &mut dyn FnMut(Container<'_>, &Path<'_>),
) {
    let at = path.child("initContainers");
    for (index, container) in spec.init_containers().iter().enumerate() {
        visit(container, &at.index(index));
    }
    let at = path.child("containers");
    for (index, container) in spec.containers().iter().enumerate() {
        visit(container, &at.index(index));
    }
    let at = path.child("ephemeralContainers");
    for (index, container) in spec.ephemeral_containers().iter().enumerate() {
        let record = as_container(container);
        visit(Container::from_record(&record), &at.index(index));
    }
}

/// Calls `change` for init containers, containers and ephemeral containers, in this order.
pub fn for_each_container_mut(spec: &mut PodSpecMut<'_>, change: &mut dyn FnMut(ContainerMut<'_>)) {
    for container in spec.init_containers_mut().iter_mut() {
        change(container);
    }
    for container in spec.containers_mut().iter_mut() {
        change(container);
    }
    for mut container in spec.ephemeral_containers_mut().iter_mut() {
        let target = container.view().target_container_name().to_owned();
        let own = container.record().type_ref().clone();
        let record = std::mem::replace(container.record(), Record::new(own));
        let mut common = of_type(record, Ref::Static(&tables::CONTAINER));
        change(ContainerMut::from_record(&mut common));
        for (at, value) in common.into_entries() {
            container.record().set(at, value);
        }
        if !target.is_empty() {
            container.set_target_container_name(target);
        }
    }
}

/// What an ephemeral container has in common with others: all but its target.
pub(super) fn as_container(container: EphemeralContainer<'_>) -> Record {
    of_type(container.record().clone(), Ref::Static(&tables::CONTAINER))
}

/// The fields of a record that another type has at the same positions.
fn of_type(record: Record, ty: TypeRef) -> Record {
    let count = ty.fields.len();
    let mut other = Record::new(ty);
    for (at, value) in record.into_entries().filter(|(at, _)| *at < count) {
        other.set(at, value);
    }
    other
}

/// The numbers in a list.
pub(super) fn integers(values: &[Value]) -> impl Iterator<Item = i64> + '_ {
    values.iter().filter_map(Value::as_int)
}
