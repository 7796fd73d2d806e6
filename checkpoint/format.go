package checkpoint

// The formats of what is written into a state directory. A part of another format is refused.
const (
	DirFormat  = jobFormat      // of the directory as a whole and of job.json
	LogFormat  = segmentVersion // of the log's segments
	FileFormat = trailerVersion // of checkpoint files
)
