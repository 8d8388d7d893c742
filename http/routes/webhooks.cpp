// SPDX-License-Identifier: Apache-2.0
#include "http/routes/webhooks.hpp"

#include <utility>

namespace lyceum::http {

io_route mail_webhook(std::function<void(std::string body, reply_ptr)> hear, std::size_t body_bytes_max) {
  io_route made{"/webhooks/mail"};
  made.act = [hear = std::move(hear)](const request& asked, reply_ptr reply) { hear(asked.body, std::move(reply)); };
  made.body_bytes_max = body_bytes_max;
  return made;
}

} // namespace lyceum::http
