package launcher

func (j *job) publish()   {}
func (j *job) unpublish() {}
