// SPDX-License-Identifier: Apache-2.0
#include "actors/mailer.hpp"

#include "storage/model/mail_address.hpp"
#include "storage/outbox.hpp"
#include "supervision/child.hpp"

#include <fmt/format.h>

#include <memory>
#include <random>
#include <utility>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
namespace outbox = storage::outbox;

constexpr auto reconnect_pause = 2000ms;
constexpr auto busy_pause = 500ms; // another writer was in the way
constexpr storage::limits database_waits{3s, 2s, 5s};
constexpr std::size_t reason_bytes_max = 500;

std::string masked(const std::string& address) {
  const auto read = mail_address::parse(address);
  return read ? read->masked() : "…";
}

/// A reason without the recipient's name, which hosts like to repeat.
std::string without_recipient(std::string reason, const std::string& recipient) {
  for (auto at = reason.find(recipient); at != std::string::npos; at = reason.find(recipient))
    reason.replace(at, recipient.size(), masked(recipient));
  return reason;
}

double jitter() {
  static thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

/// One worker: its connections, and the mail at hand.
class postman {
public:
  postman(caf::event_based_actor* self, mail_desk& desk, std::size_t number)
      : self_(self), desk_(desk), number_(number), me_(desk.workers.at(number)), fence_(supervision::fence_of(self)) {
    me_.woken = false;
    me_.delivering(false);
    desk_.health.leave(number_); // what its last life tried, nobody will tell
    if (desk_.relay) {
      auto made = smtp::make(*desk_.relay, desk_.waits);
      if (made) {
        road_ = std::move(*made);
        me_.hold(road_.get());
      } else {
        wrong_ = "mail cannot be sent: " + made.error().detail;
      }
    }
  }
  postman(const postman&) = delete;
  postman& operator=(const postman&) = delete;
  ~postman() {
    me_.let_go(road_.get());
    drop();
  }

  std::string summary() const {
    const auto facts = desk_.health.facts();
    return fmt::format(R"({{"step":"{}","connected":{},"host":"{}","host_away":{},"sent":{},"not_sent":{}}})", step_,
                       db_ ? "true" : "false", desk_.relay ? facts.road.host : "none",
                       facts.host_away_since ? "true" : "false", sent_, not_sent_);
  }

  /// Its own timer.
  void tick() {
    ticking_ = false;
    look();
  }

  void look() {
    me_.woken = false;
    turn();
    if (left_) // nobody else knows that there is something to do
      look_later(reconnect_pause);
  }

private:
  void turn() {
    if (!ours()) {
      step_ = "stands by";
      return;
    }
    try {
      if (!connected() || !settle_what_is_left())
        return;
      if (!desk_.health.may_claim(number_, clock::now())) {
        step_ = "waits for the mail host";
        return;
      }
      const auto some = outbox::claim(*db_, {.holder = holder(), .count = 1, .rate = desk_.rate}, now_utc());
      if (some.empty()) {
        desk_.health.leave(number_);
        step_ = "rests";
        return;
      }
      step_ = "sends";
      carry(some.front());
      self_->send(self_, look_atom::value);
    } catch (const storage::outage&) {
      drop();
      desk_.health.database(false, now_utc());
      desk_.health.leave(number_);
      step_ = "waits for the database";
    } catch (const storage::unwritable&) {
      desk_.health.database(false, now_utc());
      desk_.health.leave(number_);
      step_ = "waits until the database can be written";
    } catch (const storage::retry&) {
      later();
    } catch (const storage::timeout&) {
      later();
    } catch (const storage::interrupted&) {
      later();
    }
  }

  bool ours() const {
    return fence_.open() && (!desk_.active || desk_.active()) && (!desk_.schema_ready || desk_.schema_ready());
  }
  std::string holder() const { return desk_.holder + " smtp-" + std::to_string(number_ + 1); }

  void later() {
    desk_.health.leave(number_);
    step_ = "waits for another writer";
    look_later(busy_pause);
  }

  void look_later(std::chrono::milliseconds pause) {
    if (!std::exchange(ticking_, true))
      self_->delayed_send(self_, pause, tick_atom::value);
  }

  bool connected() {
    if (db_ && db_->healthy())
      return true;
    drop();
    if (clock::now() < next_connect_)
      return false;
    next_connect_ = clock::now() + reconnect_pause;
    try {
      db_ = storage::open(desk_.url, storage::mode::writes, database_waits);
    } catch (const storage::error& wrong) { // whatever it is, a restart would not mend it
      throw storage::outage(wrong.query(), wrong.what());
    }
    db_->fence([this] { return settling_ || fence_.open(); });
    me_.hold(db_.get());
    next_connect_ = {};
    return true;
  }

  void drop() {
    me_.let_go(db_.get());
    db_.reset();
  }

  // ── one mail ───────────────────────────────────────────────────────────────────────────────────────────────────────
  void carry(const outbox::claimed_mail& held) {
    const auto begun = clock::now();
    auto text = made(held.what);
    if (!text) {
      desk_.health.leave(number_);                         // the host was not asked
      if (text.error().what == problem::kind::unavailable) // ours to mend: the mail waits for it, or for another server
        return finish(held, {delivery::result::misconfigured, text.error().detail.substr(0, reason_bytes_max)});
      return finish(held,
                    {delivery::result::refused, "cannot be made: " + text.error().detail.substr(0, reason_bytes_max)});
    }
    if (!desk_.relay)
      return keep(held, std::move(*text));
    if (!road_) {
      const delivery told{delivery::result::misconfigured, wrong_};
      note(told, clock::now() - begun);
      return finish(held, told);
    }
    const auto told = delivered(held, text->source);
    note(told, clock::now() - begun);
    finish(held, told);
  }

  void note(const delivery& told, clock::duration took) {
    const auto word = desk_.health.ended(number_, told, took, now_utc());
    const bool bad = told.how == delivery::result::unreachable || told.how == delivery::result::misconfigured;
    if (const auto& say = bad ? desk_.warn : desk_.log; say && !word.empty())
      say(word);
  }

  /// Everything that can be known before the host is asked. What it throws is this mail's fault alone.
  expected<kept_mail> made(const mail& what) {
    const auto note = supervision::working_on(self_, fmt::format("mail {}", what.number),
                                              fmt::format("mail {} ({})", what.number, what.what.template_name));
    if (!note)
      return fail(problem::kind::internal, note.why());
    try {
      const auto details = desk_.open(what.what);
      if (!details)
        return tl::unexpected(details.error());
      auto words = desk_.render(*db_, what.what, *details);
      if (!words)
        return tl::unexpected(words.error());
      auto source = compose({.from = desk_.from,
                             .to = {what.what.recipient_name, what.what.recipient},
                             .reply_to = desk_.reply_to,
                             .subject = words->subject,
                             .text = words->text,
                             .html = words->html,
                             .message_id = what.message_id,
                             .date = what.created_at,
                             .language = what.what.language,
                             .list_unsubscribe = what.what.list_unsubscribe,
                             .list_unsubscribe_mailto = {}});
      if (!source)
        return tl::unexpected(source.error());
      return kept_mail{what.number,    what.what.template_name, desk_.from.address,     what.what.recipient,
                       words->subject, std::move(words->text),  std::move(words->html), std::move(*source),
                       now_utc()};
    } catch (const storage::error&) {
      throw; // the database is not the mail's fault
    } catch (const std::exception& fault) {
      return fail(problem::kind::internal, fault.what());
    }
  }

  delivery delivered(const outbox::claimed_mail& held, const std::string& text) {
    const smtp_letter letter{desk_.from.address, held.what.what.recipient, text};
    const smtp_watch watch{
        .before_text = [&] { return ours() && outbox::begin_data(*db_, held, now_utc()).has_value(); },
        .tick =
            [&] {
              if (!ours())
                return false;
              try {
                return outbox::heartbeat(*db_, held, now_utc()).has_value();
              } catch (const storage::error&) {
                return true; // the lease lasts for a while without a beat, and the fence is asked again
              }
            }};
    me_.delivering(true);
    try {
      auto told = road_->deliver(letter, watch);
      me_.delivering(false);
      return told;
    } catch (const storage::error& away) { // at the fence: no octet of the text has gone
      me_.delivering(false);
      return {delivery::result::interrupted,
              std::string("the database did not answer before the text: ") + away.what()};
    }
  }

  /// Nothing leaves this machine: it is shown instead, or waits.
  void keep(const outbox::claimed_mail& held, kept_mail&& what) {
    const auto facts = desk_.health.facts();
    if (facts.road.what == mail_road::kind::held)
      return finish(held, {delivery::result::misconfigured, facts.road.host});
    if (!outbox::begin_data(*db_, held, now_utc()))
      return;
    desk_.box.put(std::move(what));
    const delivery told{delivery::result::sent, "kept in the development mailbox"};
    note(told, {});
    finish(held, told);
  }

  void finish(const outbox::claimed_mail& held, delivery told) {
    left_.emplace(held, std::move(told));
    settle_what_is_left();
  }

  /// Writes down how the last try ended; where the database is away just then, as soon as it is back: within the lease that is still
  /// true, and afterwards it is refused. Always true, unless it throws.
  bool settle_what_is_left() {
    if (!left_)
      return true;
    const auto& [held, told] = *left_;
    const auto ended = settled(held, told);
    if (ended && *ended == mail_state::sent)
      ++sent_;
    else
      ++not_sent_;
    if (ended && *ended == mail_state::failed && desk_.warn)
      desk_.warn(fmt::format("mail {} ({}) to {} has failed: {}", held.what.number, held.what.what.template_name,
                             masked(held.what.what.recipient),
                             without_recipient(told.reason, held.what.what.recipient)));
    left_.reset();
    return true;
  }

  // The lease is the fence here: a worker that was killed may say how its mail ended, so that it need not wait for the lease's end.
  expected<mail_state> settled(const outbox::claimed_mail& held, const delivery& told) {
    struct unfenced {
      bool& now;
      explicit unfenced(bool& flag) : now(flag) { now = true; }
      ~unfenced() { now = false; }
      unfenced(const unfenced&) = delete;
      unfenced& operator=(const unfenced&) = delete;
    } while_it_lives(settling_);
    return outbox::settle(*db_, held, told, now_utc(), jitter());
  }

  caf::event_based_actor* self_;
  mail_desk& desk_;
  const std::size_t number_;
  mail_handle& me_;
  supervision::fence fence_;
  std::unique_ptr<storage::db> db_;
  std::unique_ptr<smtp> road_;
  std::string wrong_; // with the settings, so that there is no road
  std::optional<std::pair<outbox::claimed_mail, delivery>> left_;
  bool settling_ = false;
  bool ticking_ = false;
  clock::time_point next_connect_{};
  const char* step_ = "starts";
  std::uint64_t sent_ = 0;
  std::uint64_t not_sent_ = 0;
};

} // namespace

void mail_handle::hold(storage::db* connection) {
  const std::lock_guard lock(guard_);
  connection_ = connection;
}
void mail_handle::hold(smtp* road) {
  const std::lock_guard lock(guard_);
  road_ = road;
}
void mail_handle::let_go(const storage::db* connection) {
  const std::lock_guard lock(guard_);
  if (connection_ == connection)
    connection_ = nullptr;
}
void mail_handle::let_go(const smtp* road) {
  const std::lock_guard lock(guard_);
  if (road_ == road)
    road_ = nullptr;
}
void mail_handle::interrupt() {
  const std::lock_guard lock(guard_);
  if (road_ != nullptr)
    road_->interrupt();
  if (connection_ != nullptr && !delivering_)
    connection_->interrupt();
}

void mail_desk::interrupt() {
  for (auto& one : workers)
    one.interrupt();
  keeper.interrupt();
}

caf::behavior mail_worker(caf::event_based_actor* self, mail_desk* desk, std::size_t number) {
  auto worker = std::make_shared<postman>(self, *desk, number);
  supervision::on_inspect(self, [worker] { return worker->summary(); });
  self->send(self, look_atom::value);
  return {
      [worker](look_atom) { worker->look(); },
      [worker](tick_atom) { worker->tick(); },
  };
}

} // namespace lyceum
