// Package protocol has the number of all that the processes of a job say to one another. A leaf package.
package protocol

// Version is that of the frames and messages of package comm, of the environment, descriptors and memory that the launcher
// hands to the processes it starts, and of the coordinator's command line. A process refuses others of another version.
// Whoever changes one of these raises it: TestProtocolHasANumber (cmd/dsss) fails otherwise.
//
// What must stay for versions to be told apart: launchenv.VarProtocol, the header of a frame, the first field of Hello, and
// Refuse.
const Version = 6
