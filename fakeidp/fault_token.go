package fakeidp

var tokenFaults = []fault{}
