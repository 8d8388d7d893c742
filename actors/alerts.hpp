// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "actors/messages.hpp"
#include "storage/model/time.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace lyceum {

/// Something that somebody should know, or that is over.
struct alert {
  std::string what; ///< "mail_late": the same when it is over
  bool raised = true;
  std::string detail; ///< a sentence
  unix_time at{};
};

/// `{"alert":"mail_late","state":"raised","at":"2025-01-01T12:00:00Z","site":"https://school.example","detail":"…"}`; `state` is "raised"
/// or "resolved".
std::string alert_json(const alert&, const std::string& site);

struct alert_options {
  std::string webhook; ///< URL; empty: alerts stay in the log. Never logged: its path often holds a password
  std::string site;    ///< the base URL
  std::chrono::milliseconds retry_first{2000}; ///< doubles with each try
  std::function<void(const std::string&)> warn;
  std::atomic<bool> stop = false; ///< set by `interrupt`: the POST at hand ends. A new life clears it
};

/// Alerts that wait for the webhook at most; the oldest makes room. Tries of each: 6, over about a minute. A POST takes 10 s at most.
inline constexpr std::size_t alerts_max = 16;
inline constexpr int alert_tries = 6;
inline constexpr std::chrono::seconds alert_post_max{10};

/// Posts alerts to a webhook, in their order. Any status of 2xx is well; redirections are not followed.
///
///   alert   is posted, or said to be lost in the log
///
/// Detached: it waits for the webhook. Crash: what was to be posted is lost; the log and `ctl health` have it.
caf::behavior alerts(caf::event_based_actor* self, alert_options* options);

} // namespace lyceum

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(lyceum::alert)
