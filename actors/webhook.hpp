// SPDX-License-Identifier: Apache-2.0
// What other services tell the school: for now, Amazon SES, of mails that did not arrive. Knows no CAF.
#pragma once

#include "actors/webhook_fetch.hpp"
#include "actors/webhook_sns.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace lyceum {

/// What is done with a post.
struct webhook_verdict {
  int status = 200;                 ///< of the answer, where there is nothing to write
  std::string why;                  ///< for the log and for `inspect`; empty: nothing of note
  std::vector<mail_report> reports; ///< to be written before it is answered
};

/// What the webhook's actor is given, and what outlives it. Filled before the tree starts.
struct webhook_desk {
  /// Posts that are at hand at once; one more is answered 503, and sent again by its sender.
  static constexpr std::size_t at_hand_max = 32;

  std::string topic; ///< ARN: what comes from another topic is refused
  sns_hosts hosts = amazon_sns();
  kept_certificates::fetcher fetch; ///< what is behind a URL that `hosts` allows; blocks, bounded
  std::function<void(const std::string&)> log;
  std::function<void(const std::string&)> warn;

  kept_certificates certificates;
  std::atomic<std::size_t> at_hand = 0;
  std::atomic<bool> stop = false; ///< set by `interrupt`; a new life clears it

  /// What came, for `inspect`.
  struct tally {
    std::uint64_t heard = 0, refused = 0, ignored = 0, suppressed = 0;
    std::string subscription; ///< "confirmed at …"; empty: nothing was heard of one
    std::string last_refusal;
  };
  tally seen() const {
    const std::lock_guard lock(guard_);
    return tally_;
  }
  void note(const std::function<void(tally&)>& what) {
    const std::lock_guard lock(guard_);
    what(tally_);
  }

private:
  mutable std::mutex guard_;
  tally tally_;
};

/// Judges a post, and confirms a subscription that SNS asks about. May fetch: not for a loop.
///   200  with reports, or with nothing to do: an unknown type, a delivery
///   400  no message of SNS
///   403  another topic, another time, a signature that is not SNS's: nothing happens
///   503  the certificate cannot be had now: SNS sends it again
webhook_verdict judge_webhook(webhook_desk& desk, std::string_view body, unix_time now);

} // namespace lyceum
