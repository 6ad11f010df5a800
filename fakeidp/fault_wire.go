package fakeidp

var wireFaults = []fault{}
