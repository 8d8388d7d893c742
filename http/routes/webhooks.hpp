// SPDX-License-Identifier: Apache-2.0
// What other services post.
#pragma once

#include "http/front.hpp"

#include <functional>
#include <string>

namespace lyceum::http {

/// `POST /webhooks/mail`, answered when what it says is written down. It has no token of a form: who may say something is known by a
/// signature alone. `hear` is called on a loop, so it must be quick; it answers later.
io_route mail_webhook(std::function<void(std::string body, reply_ptr)> hear, std::size_t body_bytes_max);

} // namespace lyceum::http
