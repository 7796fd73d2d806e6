package coordinator

// ErrKilled, as the cause of Run's context, ends a coordinator as SIGKILL would.
var ErrKilled = errKilled
