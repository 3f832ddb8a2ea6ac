#ifndef COPENSSL_H
#define COPENSSL_H

// What of OpenSSL 3 is used: TLS for sockets, and what checking a token needs.

#include "crypto.h"
#include "tls.h"

#endif
