// SPDX-License-Identifier: Apache-2.0
// What tells a form of ours from one that another site sends in a visitor's name (ASVS 5.0 3.5.1 to 3.5.3): a token that only our page
// can hold, and what the browser says of where the form came from. Either alone would do; a POST wants both.
#pragma once

#include "actors/exchange.hpp"
#include "storage/key_ring.hpp"

#include <string>
#include <string_view>

namespace lyceum::http {

/// A form's token: "<key>.<base64url of an HMAC-SHA-256>". `owner` is the hash of the cookie whose bearer may send it (the session's, or
/// the browser's where nobody is signed in), `form` its name: the path that it is sent to, without a language. As long as the cookie and
/// the key live, it is the same.
std::string csrf_token(const storage::key_ring& ring, std::string_view owner, std::string_view form);

/// True where csrf_token made `given` with any key of the ring. Never for an empty owner. In the same time wherever they differ.
bool csrf_token_holds(const storage::key_ring& ring, std::string_view owner, std::string_view form,
                      std::string_view given);

/// True unless the browser says that the request comes from another site: Sec-Fetch-Site, where there, must be "same-origin" or "none";
/// Origin, where there, that of `base_url`. Where `base_url` is a loopback name, as it is when nobody has set it, the Host of the request
/// is as good. Sources: W3C Fetch Metadata; OWASP, Cross-Site Request Forgery Prevention.
bool comes_from_here(const request& asked, std::string_view base_url);

} // namespace lyceum::http
