// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "actors/webhook.hpp"
#include "supervision/system.hpp"

#include <memory>
#include <string>

namespace lyceum {

/// A post on its way. Whoever drops it answers 503, and its sender sends it again.
struct webhook_post {
  std::string body;
  reply_ptr reply;
  std::shared_ptr<void> place; ///< among those at hand
};

/// Hears what SES says of mails, one post at a time.
///
///   webhook_post   is judged, written down and answered, in this order
///
/// Detached: it fetches certificates. What is refused is answered 403 and changes nothing; what was said before changes nothing either.
/// Crash: posts that it held answer 503, and SNS sends them again.
caf::behavior webhook_listener(caf::event_based_actor* self, webhook_desk* desk, supervision::system* tree);

/// Gives a post to it. Any thread, never blocks; beyond `webhook_desk::at_hand_max` it is answered 503 at once.
void hear(supervision::system& tree, webhook_desk& desk, std::string body, reply_ptr reply);

} // namespace lyceum

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::webhook_post)
