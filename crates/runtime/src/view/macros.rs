//! The macros that turn a line per field into methods.

/// Defines the two views of a struct, from its table and a line per field: the form of the field,
/// its position, and the names of its methods.
///
/// ```text
/// typed_view! {
///     /// `io.k8s.api.core.v1.PodSpec`
///     PodSpec PodSpecMut POD_SPEC;
///     list[Volume] 0 volumes set_volumes clear_volumes volumes_mut;
///     text 3 restartPolicy set_restart_policy clear_restart_policy;
/// }
/// ```
#[macro_export]
macro_rules! typed_view {
    (
        $(#[$doc:meta])*
        $view:ident $change:ident $table:ident;
        $($form:ident $([$($of:tt)+])? $at:literal $get:ident $set:ident $clear:ident $($change_field:ident $($make:ident)?)?;)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $view<'a>(&'a $crate::value::Record);

        #[doc = concat!("[`", stringify!($view), "`] to change.")]
        pub struct $change<'a>(&'a mut $crate::value::Record);

        #[allow(missing_docs, reason = "a method is the field of its name")]
        impl<'a> $view<'a> {
            /// `record` to read; it must be of this type.
            #[inline]
            pub fn from_record(record: &'a $crate::value::Record) -> Self {
                debug_assert_eq!(record.ty().name, tables::$table.name);
                Self(record)
            }

            /// The record.
            #[inline]
            pub fn record(self) -> &'a $crate::value::Record {
                self.0
            }

            /// One without any field.
            #[inline]
            pub fn empty() -> Self {
                static EMPTY: $crate::value::Record =
                    $crate::value::Record::new($crate::schema::Ref::Static(&tables::$table));
                Self(&EMPTY)
            }

            $($crate::view_read!($form $([$($of)+])? $at $get);)*
        }

        #[allow(missing_docs, reason = "a method is the field of its name")]
        impl<'a> $change<'a> {
            /// `record` to change; it must be of this type.
            #[inline]
            pub fn from_record(record: &'a mut $crate::value::Record) -> Self {
                debug_assert_eq!(record.ty().name, tables::$table.name);
                Self(record)
            }

            /// The record.
            #[inline]
            pub fn record(&mut self) -> &mut $crate::value::Record {
                self.0
            }

            /// What is there, to read.
            #[inline]
            pub fn view(&self) -> $view<'_> {
                $view(self.0)
            }

            /// The same for a while.
            #[inline]
            pub fn by_ref(&mut self) -> $change<'_> {
                $change(self.0)
            }

            $(
                $crate::view_write!($form $([$($of)+])? $at $set $($change_field $($make)?)?);

                #[inline]
                pub fn $clear(&mut self) {
                    self.0.remove($at);
                }
            )*
        }

        impl $crate::view::View for $view<'_> {
            type Ref<'a> = $view<'a>;
            type Mut<'a> = $change<'a>;

            fn table() -> &'static $crate::schema::Type {
                &tables::$table
            }

            fn new_record() -> $crate::value::Record {
                $crate::value::Record::new($crate::schema::Ref::Static(&tables::$table))
            }

            fn of(record: &$crate::value::Record) -> $view<'_> {
                $view::from_record(record)
            }

            fn of_mut(record: &mut $crate::value::Record) -> $change<'_> {
                $change::from_record(record)
            }
        }

        impl ::std::fmt::Debug for $view<'_> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(self.0, f)
            }
        }

        impl ::std::fmt::Debug for $change<'_> {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(self.0, f)
            }
        }
    };
}

/// The method that reads a field.
#[doc(hidden)]
#[macro_export]
macro_rules! view_read {
    (@ $at:literal $get:ident $function:ident $ty:ty) => {
        #[inline]
        pub fn $get(self) -> $ty {
            $crate::view::access::$function(self.0, $at)
        }
    };
    (text $at:literal $get:ident) => { $crate::view_read!(@ $at $get text &'a str); };
    (opt_text $at:literal $get:ident) => { $crate::view_read!(@ $at $get opt_text Option<&'a str>); };
    (boolean $at:literal $get:ident) => { $crate::view_read!(@ $at $get boolean bool); };
    (opt_boolean $at:literal $get:ident) => { $crate::view_read!(@ $at $get opt_boolean Option<bool>); };
    (int32 $at:literal $get:ident) => { $crate::view_read!(@ $at $get int32 i32); };
    (opt_int32 $at:literal $get:ident) => { $crate::view_read!(@ $at $get opt_int32 Option<i32>); };
    (int64 $at:literal $get:ident) => { $crate::view_read!(@ $at $get int64 i64); };
    (opt_int64 $at:literal $get:ident) => { $crate::view_read!(@ $at $get opt_int64 Option<i64>); };
    (opt_float $at:literal $get:ident) => { $crate::view_read!(@ $at $get opt_float Option<f64>); };
    (bytes $at:literal $get:ident) => { $crate::view_read!(@ $at $get bytes &'a $crate::view::access::Bytes); };
    (raw $at:literal $get:ident) => { $crate::view_read!(@ $at $get raw Option<&'a $crate::view::access::Bytes>); };
    (time $at:literal $get:ident) => { $crate::view_read!(@ $at $get time Option<$crate::time::Time>); };
    (int_or_string $at:literal $get:ident) => { $crate::view_read!(@ $at $get int_or_string $crate::view::IntOrString<'a>); };
    (opt_int_or_string $at:literal $get:ident) => { $crate::view_read!(@ $at $get opt_int_or_string Option<$crate::view::IntOrString<'a>>); };
    (any $at:literal $get:ident) => { $crate::view_read!(@ $at $get any Option<&'a $crate::value::Value>); };
    (values $at:literal $get:ident) => { $crate::view_read!(@ $at $get values &'a [$crate::value::Value]); };
    (map $at:literal $get:ident) => { $crate::view_read!(@ $at $get map &'a $crate::value::Map); };
    (strings $at:literal $get:ident) => {
        #[inline]
        pub fn $get(self) -> $crate::view::Strings<'a> {
            $crate::view::Strings::at(self.0, $at)
        }
    };
    (string_map $at:literal $get:ident) => {
        #[inline]
        pub fn $get(self) -> $crate::view::StringMap<'a> {
            $crate::view::StringMap::at(self.0, $at)
        }
    };
    (list [$of:ty, $change:ty] $at:literal $get:ident) => {
        #[inline]
        pub fn $get(self) -> $crate::view::List<'a, $of> {
            $crate::view::List::at(self.0, $at)
        }
    };
    (object_map [$of:ty, $change:ty] $at:literal $get:ident) => {
        #[inline]
        pub fn $get(self) -> $crate::view::ObjectMap<'a, $of> {
            $crate::view::ObjectMap::at(self.0, $at)
        }
    };
    (object [$of:ty, $change:ty] $at:literal $get:ident) => {
        #[inline]
        pub fn $get(self) -> $of {
            $crate::view::access::object(self.0, $at).map_or_else(<$of>::empty, <$of>::from_record)
        }
    };
    (opt_object [$of:ty, $change:ty] $at:literal $get:ident) => {
        #[inline]
        pub fn $get(self) -> Option<$of> {
            $crate::view::access::object(self.0, $at).map(<$of>::from_record)
        }
    };
}

/// The methods that change a field.
#[doc(hidden)]
#[macro_export]
macro_rules! view_write {
    (@ $at:literal $set:ident $ty:ty, $value:ident => $made:expr) => {
        #[inline]
        pub fn $set(&mut self, $value: $ty) {
            self.0.set($at, $made);
        }
    };
    (text $at:literal $set:ident) => { $crate::view_write!(@ $at $set impl Into<$crate::text::Text>, value => $crate::value::Value::String(value.into())); };
    (opt_text $at:literal $set:ident) => { $crate::view_write!(text $at $set); };
    (boolean $at:literal $set:ident) => { $crate::view_write!(@ $at $set bool, value => $crate::value::Value::Bool(value)); };
    (opt_boolean $at:literal $set:ident) => { $crate::view_write!(boolean $at $set); };
    (int32 $at:literal $set:ident) => { $crate::view_write!(@ $at $set i32, value => $crate::value::Value::Int(value.into())); };
    (opt_int32 $at:literal $set:ident) => { $crate::view_write!(int32 $at $set); };
    (int64 $at:literal $set:ident) => { $crate::view_write!(@ $at $set i64, value => $crate::value::Value::Int(value)); };
    (opt_int64 $at:literal $set:ident) => { $crate::view_write!(int64 $at $set); };
    (opt_float $at:literal $set:ident) => { $crate::view_write!(@ $at $set f64, value => $crate::value::Value::Float(value)); };
    (bytes $at:literal $set:ident) => { $crate::view_write!(@ $at $set $crate::view::access::Bytes, value => $crate::value::Value::Bytes(value)); };
    (raw $at:literal $set:ident) => { $crate::view_write!(@ $at $set $crate::view::access::Bytes, value => $crate::value::Value::Raw(value)); };
    (time $at:literal $set:ident) => { $crate::view_write!(@ $at $set $crate::time::Time, value => $crate::value::Value::Time(value)); };
    (int_or_string $at:literal $set:ident) => { $crate::view_write!(@ $at $set $crate::view::IntOrString<'_>, value => value.into()); };
    (opt_int_or_string $at:literal $set:ident) => { $crate::view_write!(int_or_string $at $set); };
    (any $at:literal $set:ident) => { $crate::view_write!(@ $at $set $crate::value::Value, value => value); };
    (values $at:literal $set:ident $mutate:ident) => {
        $crate::view_write!(@ $at $set Vec<$crate::value::Value>, value => $crate::value::Value::List(value));

        #[inline]
        pub fn $mutate(&mut self) -> &mut Vec<$crate::value::Value> {
            $crate::view::access::items_or_new(self.0, $at)
        }
    };
    (map $at:literal $set:ident $mutate:ident) => {
        $crate::view_write!(@ $at $set $crate::value::Map, value => $crate::value::Value::Map(value));

        #[inline]
        pub fn $mutate(&mut self) -> &mut $crate::value::Map {
            $crate::view::access::entries_or_new(self.0, $at)
        }
    };
    (strings $at:literal $set:ident $mutate:ident) => {
        $crate::view_write!(@ $at $set Vec<$crate::value::Value>, value => $crate::value::Value::List(value));

        #[inline]
        pub fn $mutate(&mut self) -> $crate::view::StringsMut<'_> {
            $crate::view::StringsMut::at(self.0, $at)
        }
    };
    (string_map $at:literal $set:ident $mutate:ident) => {
        $crate::view_write!(@ $at $set $crate::value::Map, value => $crate::value::Value::Map(value));

        #[inline]
        pub fn $mutate(&mut self) -> $crate::view::StringMapMut<'_> {
            $crate::view::StringMapMut::at(self.0, $at)
        }
    };
    (list [$of:ty, $change:ty] $at:literal $set:ident $mutate:ident) => {
        $crate::view_write!(@ $at $set Vec<$crate::value::Value>, value => $crate::value::Value::List(value));

        #[inline]
        pub fn $mutate(&mut self) -> $crate::view::ListMut<'_, $of> {
            $crate::view::ListMut::at(self.0, $at)
        }
    };
    (object_map [$of:ty, $change:ty] $at:literal $set:ident $mutate:ident) => {
        $crate::view_write!(@ $at $set $crate::value::Map, value => $crate::value::Value::Map(value));

        #[inline]
        pub fn $mutate(&mut self) -> $crate::view::ObjectMapMut<'_, $of> {
            $crate::view::ObjectMapMut::at(self.0, $at)
        }
    };
    (object [$of:ty, $change:ty] $at:literal $set:ident $mutate:ident) => {
        $crate::view_write!(@ $at $set $crate::value::Record, value => $crate::value::Value::Record(value));

        #[inline]
        pub fn $mutate(&mut self) -> $change {
            let record = $crate::view::access::object_or(self.0, $at, <$of as $crate::view::View>::new_record);
            <$change>::from_record(record)
        }
    };
    (opt_object [$of:ty, $change:ty] $at:literal $set:ident $mutate:ident $make:ident) => {
        $crate::view_write!(@ $at $set $crate::value::Record, value => $crate::value::Value::Record(value));

        #[inline]
        pub fn $mutate(&mut self) -> Option<$change> {
            $crate::view::access::object_mut(self.0, $at).map(<$change>::from_record)
        }

        #[inline]
        pub fn $make(&mut self) -> $change {
            let record = $crate::view::access::object_or(self.0, $at, <$of as $crate::view::View>::new_record);
            <$change>::from_record(record)
        }
    };
}
