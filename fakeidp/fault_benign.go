package fakeidp

var benignVariants = []fault{}
