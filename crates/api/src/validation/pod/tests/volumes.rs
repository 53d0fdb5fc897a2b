//! Volumes.

use super::check;

#[test]
fn a_volume_has_one_source_and_a_name() {
    check(
        r#""volumes":[{"name":"A"},{"name":"a","emptyDir":{}},{"name":"a","emptyDir":{},"hostPath":{"path":"/"}}]"#,
        r#"spec.volumes[0].name: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'); spec.volumes[2].hostPath: Forbidden: may not specify more than 1 volume type; spec.volumes[2].name: Duplicate value: "a""#,
    );
}

#[test]
fn sources_need_what_names_them() {
    check(
        r#""volumes":[{"name":"a","hostPath":{"path":"","type":"x"}},{"name":"b","hostPath":{"path":"/../a"}},{"name":"c","gitRepo":{"repository":""}},{"name":"d","gcePersistentDisk":{"pdName":"","partition":-1}},{"name":"e","awsElasticBlockStore":{"volumeID":""}}]"#,
        r#"spec.volumes[0].hostPath.path: Required value; spec.volumes[1].hostPath.path: Invalid value: "/../a": must not contain '..'; spec.volumes[2].gitRepo.repository: Required value; spec.volumes[3].persistentDisk.pdName: Required value; spec.volumes[3].persistentDisk.partition: Invalid value: -1: must be between 1 and 255, inclusive; spec.volumes[4].awsElasticBlockStore.volumeID: Required value"#,
    );
    check(
        r#""volumes":[{"name":"a","nfs":{"server":"","path":"x"}},{"name":"b","iscsi":{"targetPortal":"","iqn":"x","lun":-1}},{"name":"c","glusterfs":{"endpoints":"","path":""}},{"name":"d","rbd":{"monitors":[],"image":""}},{"name":"e","cephfs":{"monitors":[]}}]"#,
        r#"spec.volumes[0].nfs.server: Required value; spec.volumes[0].nfs.path: Invalid value: "x": must be an absolute path; spec.volumes[1].iscsi.targetPortal: Required value; spec.volumes[1].iscsi.iqn: Invalid value: "x": must be valid format starting with iqn, eui, or naa; spec.volumes[1].iscsi.lun: Invalid value: -1: must be between 0 and 255, inclusive; spec.volumes[2].glusterfs.endpoints: Required value; spec.volumes[2].glusterfs.path: Required value; spec.volumes[3].rbd.monitors: Required value; spec.volumes[3].rbd.image: Required value; spec.volumes[4].cephfs.monitors: Required value"#,
    );
    check(
        r#""volumes":[{"name":"a","flocker":{}},{"name":"b","fc":{}},{"name":"c","azureFile":{"secretName":"","shareName":""}},{"name":"d","vsphereVolume":{"volumePath":""}},{"name":"e","photonPersistentDisk":{"pdID":""}},{"name":"f","portworxVolume":{"volumeID":""}}]"#,
        r#"spec.volumes[0].flocker: Required value: one of datasetName and datasetUUID is required; spec.volumes[1].fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both; spec.volumes[2].azureFile.secretName: Required value; spec.volumes[2].azureFile.shareName: Required value; spec.volumes[3].vsphereVolume.volumePath: Required value; spec.volumes[4].photonPersistentDisk.pdID: Required value; spec.volumes[5].portworxVolume.volumeID: Required value"#,
    );
    check(
        r#""volumes":[{"name":"a","quobyte":{"registry":"","volume":""}},{"name":"b","azureDisk":{"diskName":"","diskURI":""}},{"name":"c","scaleIO":{"gateway":"","system":"","secretRef":{}}},{"name":"d","storageos":{"volumeName":""}},{"name":"e","csi":{"driver":""}},{"name":"f","cinder":{"volumeID":""}},{"name":"g","flexVolume":{"driver":""}}]"#,
        r#"spec.volumes[0].quobyte.registry: Required value: must be a host:port pair or multiple pairs separated by commas; spec.volumes[0].quobyte.volume: Required value; spec.volumes[1].azureDisk.diskName: Required value; spec.volumes[1].azureDisk.diskURI: Required value; spec.volumes[1].azureDisk.diskURI: Unsupported value: "": supported values: "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"; spec.volumes[2].scaleIO.gateway: Required value; spec.volumes[2].scaleIO.system: Required value; spec.volumes[2].scaleIO.volumeName: Required value; spec.volumes[3].storageos.volumeName: Required value; spec.volumes[4].csi.driver: Required value; spec.volumes[5].cinder.volumeID: Required value; spec.volumes[6].flexVolume.driver: Required value"#,
    );
    check(
        r#""volumes":[{"name":"a","secret":{"secretName":""}},{"name":"b","configMap":{"name":""}},{"name":"c","persistentVolumeClaim":{"claimName":""}},{"name":"d","ephemeral":{}},{"name":"e","image":{"reference":"","pullPolicy":"x"}},{"name":"f","emptyDir":{"sizeLimit":"-1"}}]"#,
        r#"spec.volumes[0].secret.secretName: Required value; spec.volumes[1].configMap.name: Required value; spec.volumes[2].persistentVolumeClaim.claimName: Required value; spec.volumes[3].ephemeral.volumeClaimTemplate: Required value; spec.volumes[4].image.reference: Required value; spec.volumes[4].image.pullPolicy: Unsupported value: "x": supported values: "Always", "IfNotPresent", "Never"; spec.volumes[5].emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity"#,
    );
}

#[test]
fn files_have_keys_paths_and_modes() {
    check(
        r#""volumes":[{"name":"a","secret":{"secretName":"s","defaultMode":512,"items":[{"key":"","path":""},{"key":"k","path":"../x","mode":-1},{"key":"k","path":"/x"}]}}]"#,
        r#"spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive; spec.volumes[0].secret.items[0].key: Required value; spec.volumes[0].secret.items[0].path: Required value; spec.volumes[0].secret.items[1].path: Invalid value: "../x": must not contain '..'; spec.volumes[0].secret.items[1].mode: Invalid value: -1: must be a number between 0 and 0777 (octal), both inclusive; spec.volumes[0].secret.items[2].path: Invalid value: "/x": must be a relative path"#,
    );
    check(
        r#""volumes":[{"name":"a","downwardAPI":{"items":[{"path":"x"},{"path":"y","fieldRef":{"fieldPath":"metadata.name"},"resourceFieldRef":{"resource":"limits.cpu"}},{"path":"z","resourceFieldRef":{"resource":"limits.cpu"}}]}}]"#,
        r#"spec.volumes[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required; spec.volumes[0].downwardAPI: Invalid value: "resource": fieldRef and resourceFieldRef can not be specified simultaneously; spec.volumes[0].downwardAPI.resourceFieldRef.containerName: Required value"#,
    );
}

#[test]
fn projections_do_not_meet() {
    check(
        r#""serviceAccountName":"s","volumes":[{"name":"a","projected":{"sources":[{},{"secret":{"name":""}},{"serviceAccountToken":{"path":"","expirationSeconds":1}},{"configMap":{"name":"c","items":[{"key":"k","path":"p"}]}},{"secret":{"name":"s","items":[{"key":"k","path":"p"}]}}]}}]"#,
        r#"spec.volumes[0].projected.sources[1].secret.name: Required value; spec.volumes[0].projected.sources[2].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes; spec.volumes[0].projected.path: Required value; spec.volumes[0].projected: Invalid value: "s": conflicting duplicate paths"#,
    );
}
