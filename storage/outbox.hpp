// SPDX-License-Identifier: Apache-2.0
// Mail that waits to be sent, and what became of it. A worker's round:
//
//   claim ─► compose ─► deliver, with begin_data as its fence ─► settle
//
// while another thread, or the worker between steps, calls `heartbeat` every third of `mail_lease`. What a dead worker held is
// taken over by the next `claim` once its lease has ended, by whichever node that is. Leases go by the wall clock: nodes
// share a database, not a steady clock. A clock that jumps ahead by more than a lease may send what is in flight twice, with one
// Message-ID; one that jumps back costs nothing, since leases that end too far ahead count as ended.
#pragma once

#include "storage/db.hpp"
#include "storage/model/mail.hpp"
#include "storage/model/mail_pace.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::storage::outbox {

/// PostgreSQL's listeners hear on it that there is something to claim. On SQLite: ask `next_due` once a second.
inline constexpr std::string_view mail_channel = "lyceum_mail";
/// Mails that one `claim`, `list` or `forget` returns or removes at most.
inline constexpr int claim_max = 100;
inline constexpr int list_max = 200;
inline constexpr int forget_max = 1000;

struct put_mail {
  id number = 0;
  bool fresh = false; ///< false: this recipient already has a mail of this template for this cause; nothing was written
};

/// Writes a mail in the transaction of its cause, which the caller has begun (`logic_error` without one): no cause without its mail,
/// no mail without its cause. For a suppressed recipient it is written as `suppressed`. `host` is the right side of its Message-ID.
///   invalid  an address, name, cause, … that could not stand in a header line, or is too long; nothing was written
expected<put_mail> put(db&, const mail_draft&, std::string_view host, unix_time now);

/// A mail and the right to send it. `token` differs for each claim: it is what fences off those who lost theirs.
struct claimed_mail {
  mail what;
  std::int64_t token = 0;
};

struct claim_wish {
  std::string_view holder; ///< who asks, for operators: "node 0 smtp-1"
  int count = 1;           ///< at most `claim_max`
  mail_rate rate;
};

/// Takes the mails that are due, most urgent first, then the longest due, at most as many as the rate allows; each for
/// `mail_lease`. Two connections never get the same one. Leaves out what is paused. On the way: takes over orphans, marks what is for
/// suppressed recipients, and buries sign-in mails that came too late and mails whose workers died `mail_orphaned_max` times.
std::vector<claimed_mail> claim(db&, const claim_wish&, unix_time now);

/// When there is something to claim next: not later than `now` where there is already. Nothing: the outbox is at rest. Does not look
/// at rates. Reads only.
std::optional<unix_time> next_due(db&, unix_time now);

/// Keeps the lease for another `mail_lease`.
///   conflict  it is somebody else's by now: stop, and touch the mail no more
expected<void> heartbeat(db&, const claimed_mail&, unix_time now);

/// The fence: to be called when the host waits for the text, and no octet of it has gone. A heartbeat that also notes that
/// the mail may be delivered from here on.
///   conflict  as above: do not send
expected<void> begin_data(db&, const claimed_mail&, unix_time now);

/// Writes how a try ended, and ends the lease. `jitter` is from 0 up to 1. Returns the state that it led to:
///   sent           sent
///   deferred, unreachable   deferred by `next_try`; failed when there is no next one
///   refused        failed; a dead address is suppressed, too
///   uncertain      uncertain; tried again by `next_try`, bulk mail only by hand
///   misconfigured  deferred by `mail_settings_pause`, without counting the try, until `give_up_at`
///   interrupted    queued, without counting the try
/// or
///   conflict  the lease is somebody else's by now; nothing was written
expected<mail_state> settle(db&, const claimed_mail&, const delivery&, unix_time now, double jitter);

// --- for operators

///   not_found
expected<mail> find(db&, id number);

struct mail_filter {
  std::optional<mail_state> state;
  std::string_view template_name = {}; ///< empty: any
  std::string_view recipient = {};     ///< an address, or empty
  std::optional<id> before = {};       ///< older than this one: the next page
  int limit = 50;                      ///< at most `list_max`
};
/// Newest first, without `details`.
std::vector<mail> list(db&, const mail_filter&);

/// Queues a mail again as if it were new. For those deferred, failed, suppressed or uncertain.
///   not_found
///   conflict  it is queued, being sent or sent; or its details are gone
expected<void> retry(db&, id number, unix_time now);
/// All dead letters of a template, or of all ('') that still have their details. Returns how many.
std::int64_t retry_failed(db&, std::string_view template_name, unix_time now);

/// Makes a dead letter of a mail for good: its details go, so that nobody retries it.
///   not_found
///   conflict  it is being sent or was sent
expected<void> drop(db&, id number, std::string_view who, unix_time now);

/// Holds back a template, or all mail (''), on every node, sign-in mails too. What is being sent goes on. Twice is once.
///   invalid  not the name of a template
expected<void> pause(db&, std::string_view template_name, std::string_view who, unix_time now);
/// False: it was not paused.
bool resume(db&, std::string_view template_name);

struct mail_pause {
  std::string template_name;
  std::string paused_by;
  unix_time paused_at{};
};
std::vector<mail_pause> list_pauses(db&);

struct mail_count {
  std::string template_name;
  mail_state state = mail_state::queued;
  std::int64_t mails = 0;
};
/// By template, then state; pairs without mails are left out.
std::vector<mail_count> counts(db&);

/// Since when that mail waits which has waited longest of those that could be sent: queued since it was made, deferred since its next
/// try was due, or since it was made where our own settings hold it up. What its recipient's host put off until later waits for that host, and not for us.
std::optional<unix_time> oldest_waiting(db&, unix_time now);

/// Removes mails that were sent, suppressed or failed and not touched since `before`: `forget_max` at most. Returns how many. What is
/// forgotten no longer guards against a second mail for its cause.
std::int64_t forget(db&, unix_time before);

// --- addresses that get no mail

/// Sends an address no mail of any kind from now on. Said twice, the first word stays.
///   invalid  not an address
expected<void> suppress(db&, std::string_view address, suppression_kind, std::string_view detail, unix_time now);
/// False: it was not suppressed. Mails marked so meanwhile stay so until `retry`.
bool unsuppress(db&, std::string_view address);
std::optional<suppression> find_suppression(db&, std::string_view address);
/// Newest first, at most `list_max`.
std::vector<suppression> list_suppressions(db&);

} // namespace lyceum::storage::outbox
