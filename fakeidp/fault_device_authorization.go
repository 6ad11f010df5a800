package fakeidp

var deviceAuthorizationFaults = []fault{}
