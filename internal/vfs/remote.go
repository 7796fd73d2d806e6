package vfs

// remoteTypes are the f_type of file systems that live on another machine
// (statfs(2), and the sources of Lustre, GPFS and BeeGFS, which are not in the
// kernel's magic.h). FUSE counts as one: sshfs, GlusterFS and DAOS are behind
// it, and flock may be local to the mount.
var remoteTypes = map[uint32]string{
	0x00006969: "NFS",
	0x0000517b: "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0x19830326: "BeeGFS",
	0x00c36400: "Ceph",
	0x5346414f: "AFS",
	0x6b414653: "kAFS",
	0x01021997: "9P",
	0x01161970: "GFS2",
	0x7461636f: "OCFS2",
	0x20030528: "OrangeFS",
	0xaad7aaea: "PanFS",
	0x65735546: "FUSE",
	0x73757245: "Coda",
	0x0000564c: "NCP",
	0x786f4256: "VirtualBox shared folder",
	0xbacbacbc: "VMware shared folder",
}

// RemoteType reports whether a file system of that statfs f_type counts as
// remote.
func RemoteType(ftype uint32) bool {
	_, remote := remoteTypes[ftype]
	return remote
}
