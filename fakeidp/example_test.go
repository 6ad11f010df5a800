package fakeidp_test

import (
	"context"
	"fmt"

	"golang.org/x/oauth2"

	"github.com/devicegrant/devicegrant/fakeidp"
)

// A device asks for a token while a test plays the person at the second screen.
func Example() {
	idp := fakeidp.NewServer(fakeidp.Config{ClockRate: 20})
	defer idp.Close()

	ctx := context.Background()
	device := oauth2.Config{
		ClientID: "device-public",
		Scopes:   []string{"demo:read"},
		Endpoint: oauth2.Endpoint{
			DeviceAuthURL: idp.URL + "/device_authorization",
			TokenURL:      idp.URL + "/token",
			AuthStyle:     oauth2.AuthStyleInParams,
		},
	}
	authorization, err := device.DeviceAuth(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	// The client counts in our seconds, the server's run twenty times as fast.
	authorization.Interval = 1

	if err := idp.Approve(authorization.UserCode, "alice"); err != nil {
		fmt.Println(err)
		return
	}
	token, err := device.DeviceAccessToken(ctx, authorization)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.TokenType, token.Extra("scope"))
	// Output: Bearer demo:read
}
