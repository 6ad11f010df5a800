package transport

import "crypto/tls"

// clientTLS is the client's side of tests that come to a handshake.
var clientTLS = &tls.Config{MinVersion: tls.VersionTLS12}
