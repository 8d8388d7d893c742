// SPDX-License-Identifier: Apache-2.0
#include "actors/webhook.hpp"

#include <chrono>
#include <utility>

namespace lyceum {
namespace {

webhook_verdict refused(int status, std::string why) {
  return {status, std::move(why), {}};
}

int status_of(const problem& why) {
  return why.what == problem::kind::invalid ? 400 : why.what == problem::kind::unavailable ? 503 : 403;
}

/// The operator has named the topic, and SNS has signed that it asks: nobody else needs to be asked. By hand it would be a URL to be
/// copied from a log within three days.
webhook_verdict confirm(webhook_desk& desk, const sns_message& message) {
  if (const auto host = sns_host_of(message.subscribe_url, desk.hosts); !host)
    return refused(403, "a subscription with " + host.error().detail);
  if (const auto done = desk.fetch(message.subscribe_url); !done)
    return refused(503, "the subscription cannot be confirmed now: " + done.error().detail);
  desk.note([](webhook_desk::tally& all) { all.subscription = "confirmed"; });
  if (desk.log)
    desk.log("webhook: the subscription of " + message.topic + " is confirmed");
  return {};
}

} // namespace

webhook_verdict judge_webhook(webhook_desk& desk, std::string_view body, unix_time now) {
  const auto message = read_sns(body);
  if (!message)
    return refused(status_of(message.error()), message.error().detail);
  if (message->topic != desk.topic)
    return refused(403, "another topic than mail_sns_topic");
  if (!is_known_sns_type(message->type))
    return {};
  if (now - message->at > sns_replay_max || message->at - now > sns_replay_max)
    return refused(403, "a message of another time");
  const auto host = sns_certificate_host_of(message->certificate_url, desk.hosts);
  if (!host)
    return refused(403, "a certificate at " + host.error().detail);
  const auto certificate =
      desk.certificates.get(message->certificate_url, desk.fetch, std::chrono::steady_clock::now());
  if (!certificate)
    return refused(503, "the certificate cannot be fetched: " + certificate.error().detail);
  if (const auto good = verify_sns(*message, *certificate, *host, desk.hosts, now); !good)
    return refused(403, good.error().detail);
  if (message->type == "SubscriptionConfirmation")
    return confirm(desk, *message);
  if (message->type == "UnsubscribeConfirmation") {
    desk.note([](webhook_desk::tally& all) { all.subscription = "ended by somebody"; });
    return {200, "somebody has ended the subscription of " + message->topic + ": bounces are not heard any more", {}};
  }
  return {200, {}, read_ses(message->message)};
}

} // namespace lyceum
