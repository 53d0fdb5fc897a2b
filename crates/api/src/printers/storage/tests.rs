use crate::printers::tests::check;

#[test]
fn a_volume_shows_its_claim() {
    check(
        r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"a"},"spec":{"capacity":{"storage":"1Gi"},
        "accessModes":["ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Retain","volumeMode":"Filesystem"},"status":{"phase":"Pending"}}"#,
        r#"["a","1Gi","RWO","Retain","Pending","","","<unset>","","<unknown>","Filesystem"]"#,
    );
    check(
        r#"{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"a","deletionTimestamp":"2025-12-31T23:59:00Z",
        "annotations":{"volume.beta.kubernetes.io/storage-class":"old"}},
        "spec":{"accessModes":["ReadWriteOncePod","ReadWriteMany","ReadOnlyMany","ReadWriteMany"],"claimRef":{"namespace":"n","name":"c"},
        "storageClassName":"new","volumeAttributesClassName":"gold"},"status":{"phase":"Bound","reason":"R"}}"#,
        r#"["a","0","ROX,RWX,RWOP","","Terminating","n/c","old","gold","R","<unknown>","<unset>"]"#,
    );
}

#[test]
fn a_claim_shows_what_it_got_once_it_has_a_volume() {
    let status = r#""status":{"phase":"Bound","capacity":{"storage":"8Gi"},"accessModes":["ReadWriteOnce"]}"#;
    check(
        &format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"aaa"}},"spec":{{"volumeMode":"Filesystem"}},{status}}}"#
        ),
        r#"["aaa","Bound","","","","","<unset>","<unknown>","Filesystem"]"#,
    );
    check(
        &format!(
            r#"{{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"aaa"}},"spec":{{"volumeName":"v","storageClassName":"s"}},{status}}}"#
        ),
        r#"["aaa","Bound","v","8Gi","RWO","s","<unset>","<unknown>","<unset>"]"#,
    );
}

#[test]
fn the_default_class_is_marked() {
    check(
        r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"a"},"provisioner":"example.com/golden"}"#,
        r#"["a","example.com/golden","Delete","Immediate",false,"<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"a","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},
        "provisioner":"p","reclaimPolicy":"Retain","volumeBindingMode":"WaitForFirstConsumer","allowVolumeExpansion":true}"#,
        r#"["a (default)","p","Retain","WaitForFirstConsumer",true,"<unknown>"]"#,
    );
}

#[test]
fn drivers_and_what_they_attach() {
    check(
        r#"{"apiVersion":"storage.k8s.io/v1","kind":"CSIDriver","metadata":{"name":"a"},"spec":{"attachRequired":false,"volumeLifecycleModes":["Persistent"]}}"#,
        r#"["a",false,false,false,"<unset>",false,"Persistent","<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"storage.k8s.io/v1","kind":"CSIDriver","metadata":{"name":"a"},"spec":{"tokenRequests":[{"audience":"x"},{"audience":"y"}]}}"#,
        r#"["a",true,false,false,"x,y",false,"<none>","<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"storage.k8s.io/v1","kind":"CSINode","metadata":{"name":"a"},"spec":{"drivers":[{"name":"d"}]}}"#,
        r#"["a",1,"<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttachment","metadata":{"name":"a"},
        "spec":{"attacher":"csi.example.com","nodeName":"n1","source":{"persistentVolumeName":"pv1"}}}"#,
        r#"["a","csi.example.com","pv1","n1",false,"<unknown>"]"#,
    );
    check(
        r#"{"apiVersion":"storage.k8s.io/v1","kind":"VolumeAttributesClass","metadata":{"name":"a"},"driverName":"csi.example.com"}"#,
        r#"["a","csi.example.com","<unknown>"]"#,
    );
}
