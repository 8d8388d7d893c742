// SPDX-License-Identifier: Apache-2.0
// The subsystem `mail`: the keeper of the outbox, and workers that send.
#pragma once

#include "actors/development_mailbox.hpp"
#include "actors/mail_message.hpp"
#include "actors/mail_state.hpp"
#include "actors/messages.hpp"
#include "actors/smtp.hpp"
#include "storage/db.hpp"
#include "storage/model/mail_pace.hpp"
#include "supervision/system.hpp"
#include "views/mail.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace lyceum {

/// A connection to the database, and one to the mail host, so that others can end what waits there.
class mail_handle {
public:
  void hold(storage::db* connection);
  void hold(smtp* road);
  /// Where these are still held: a successor may hold its own already.
  void let_go(const storage::db* connection);
  void let_go(const smtp* road);
  /// A delivery is under way: what writes down its end is not to be cut.
  void delivering(bool is) noexcept { delivering_ = is; }
  bool is_delivering() const noexcept { return delivering_; }
  /// Any thread; never blocks.
  void interrupt();

  std::atomic<bool> woken = false; ///< a `look` is in its mailbox: no second one is needed

private:
  std::mutex guard_;
  storage::db* connection_ = nullptr;
  smtp* road_ = nullptr;
  std::atomic<bool> delivering_ = false;
};

/// What alerts are told by: raised once, and resolved once.
struct mail_alert {
  bool raised = true;
  std::string detail;
  unix_time at{};
};

/// What the subsystem's actors are given, and what outlives them. Filled before the tree starts.
struct mail_desk {
  using renderer =
      std::function<expected<views::mail_text>(storage::db&, const mail_draft&, const std::string& details)>;

  std::string url;                 ///< of the database: each actor has a connection of its own
  std::optional<smtp_relay> relay; ///< where `health` says that mail goes to a host
  smtp_waits waits;
  mailbox from;
  mailbox reply_to;
  mail_rate rate;
  std::string holder; ///< who the leases say that we are: "process 4711"; the worker's name is added
  std::function<expected<std::string>(const mail_draft&)> open; ///< the details, unsealed
  renderer render;
  std::function<bool()> active;                 ///< false: another server sends
  std::function<bool()> schema_ready;           ///< false: the schema is still to come
  std::function<void(const mail_alert&)> alert; ///< quick, any thread; absent: nobody is told
  std::function<void(const std::string&)> log;  ///< that mail goes again
  std::function<void(const std::string&)> warn; ///< that it does not

  mail_health health;
  development_mailbox box;
  std::deque<mail_handle> workers;
  mail_handle keeper;             ///< of mail/outbox
  std::atomic<bool> late = false; ///< an alert is raised

  /// Ends what is under way: texts that have not begun are not sent by this server any more.
  void interrupt();
};

/// Sent mails, and dead letters, are kept so long.
inline constexpr std::chrono::days mail_kept{30};

/// Knows when a mail is due, and wakes the workers; counts what waits; forgets what is 30 days old.
///
///   look   something was put: look at once
///
/// Detached: it waits for the database. PostgreSQL tells of new mails (LISTEN); else it asks once a second.
/// Crash: its successor looks at once. Nothing is lost: mails are rows.
caf::behavior outbox_keeper(caf::event_based_actor* self, mail_desk* desk, supervision::system* tree);

/// Sends: claims one mail at a time, makes its text, delivers it, and writes down how that ended.
///
///   look   something may be due
///
/// Detached: SMTP and SQL block; one delivery takes `smtp_waits::all` at most. A host or a database that is away is a state. What a
/// mail's making throws is that mail's fault alone.
/// Crash: the mail at hand goes back to the outbox once its lease has ended (`mail_lease`); where its text had begun it may arrive
/// twice, with one Message-ID.
caf::behavior mail_worker(caf::event_based_actor* self, mail_desk* desk, std::size_t number);

} // namespace lyceum
