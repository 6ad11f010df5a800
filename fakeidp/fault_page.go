package fakeidp

var pageFaults = []fault{}
