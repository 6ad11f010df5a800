package fakeidp

var wso2Personalities []personality
