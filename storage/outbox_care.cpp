// SPDX-License-Identifier: Apache-2.0
// What an operator sees of the outbox, and does to it.
#include "storage/outbox.hpp"

#include "storage/outbox_rows.hpp"

#include <algorithm>

namespace lyceum::storage::outbox {
namespace {

constexpr query one_mail{"outbox.one_mail", "SELECT" LYCEUM_MAIL_COLUMNS "FROM mail_outbox WHERE id = $1"};

// Each has its index: a list of two failed mails among a newsletter's hundred thousand reads two rows. What a mail says stays where it is.
#define LYCEUM_LISTED(condition)                                                                                       \
  "SELECT" LYCEUM_MAIL_COLUMNS_WITHOUT_DETAILS "FROM mail_outbox WHERE " condition " id < $1 ORDER BY id DESC LIMIT "  \
  "$2"
constexpr query list_all{"outbox.list_all", LYCEUM_LISTED("")};
constexpr query list_state{"outbox.list_state", LYCEUM_LISTED("state = $3 AND")};
constexpr query list_template{"outbox.list_template", LYCEUM_LISTED("template_name = $3 AND")};
constexpr query list_both{"outbox.list_both", LYCEUM_LISTED("state = $3 AND template_name = $4 AND")};
// One person has few mails.
constexpr query list_recipient{
    "outbox.list_recipient",
    LYCEUM_LISTED("recipient_key = $3 AND ($4 = '' OR state = $4) AND ($5 = '' OR template_name = $5) AND")};
#undef LYCEUM_LISTED

constexpr query queue_again{"outbox.queue_again", R"sql(
  UPDATE mail_outbox
     SET state = 'queued', reason = '', tries = 0, orphaned = 0, in_data = FALSE, next_at = $2, give_up_at = $3, updated_at = $2
   WHERE id = $1 AND state IN ('deferred', 'failed', 'suppressed', 'uncertain') AND details <> ''
)sql"};

constexpr query failed_mails{"outbox.failed_mails", R"sql(
  SELECT id, urgency FROM mail_outbox
   WHERE state = 'failed' AND details <> '' AND ($1 = '' OR template_name = $1) AND id > $2 ORDER BY id LIMIT $3
)sql"};

constexpr query bury{"outbox.bury", R"sql(
  UPDATE mail_outbox
     SET state = 'failed', reason = $2, details = '', next_at = NULL, updated_at = $3
   WHERE id = $1 AND state NOT IN ('sending', 'sent')
)sql"};

constexpr query put_pause{"outbox.put_pause", R"sql(
  INSERT INTO mail_pauses (template_name, paused_by, paused_at) VALUES ($1, $2, $3) ON CONFLICT (template_name) DO NOTHING
)sql"};
constexpr query end_pause{"outbox.end_pause", "DELETE FROM mail_pauses WHERE template_name = $1"};
constexpr query all_pauses{"outbox.all_pauses",
                           "SELECT template_name, paused_by, paused_at FROM mail_pauses ORDER BY template_name"};

constexpr query count_mails{"outbox.count_mails", R"sql(
  SELECT template_name, state, COUNT(*) FROM mail_outbox GROUP BY template_name, state ORDER BY template_name, state
)sql"};

// By the index of what is due, urgency by urgency; and what waits for our own settings, whose tries do not count, since it was made.
#define LYCEUM_LONGEST_DUE(urgency)                                                                                    \
  " SELECT at FROM (SELECT next_at AS at FROM mail_outbox"                                                             \
  "   WHERE state IN ('queued', 'deferred', 'uncertain') AND state <> 'uncertain' AND urgency = " urgency              \
  "     AND next_at <= $1"                                                                                             \
  "   ORDER BY next_at LIMIT 1) AS first_of_" urgency
constexpr query oldest{"outbox.oldest", "SELECT MIN(at) FROM (" LYCEUM_LONGEST_DUE("0") " UNION ALL" LYCEUM_LONGEST_DUE(
                                            "1") " UNION ALL" LYCEUM_LONGEST_DUE("2") R"sql( UNION ALL
  SELECT at FROM (SELECT created_at AS at FROM mail_outbox WHERE state = 'deferred' AND tries = 0 ORDER BY id LIMIT 1) AS untried
) AS all_kinds)sql"};
#undef LYCEUM_LONGEST_DUE

constexpr query forget_old{"outbox.forget_old", R"sql(
  DELETE FROM mail_outbox WHERE id IN (
    SELECT id FROM mail_outbox WHERE state IN ('sent', 'suppressed', 'failed') AND updated_at < $1 ORDER BY id LIMIT $2)
)sql"};

} // namespace

expected<mail> find(db& on, id number) {
  if (auto found = on.one(one_mail, read_mail, number))
    return std::move(*found);
  return fail(problem::kind::not_found, "no mail has this number");
}

std::vector<mail> list(db& on, const mail_filter& wanted) {
  const auto before = wanted.before.value_or(INT64_MAX);
  const int limit = std::clamp(wanted.limit, 1, list_max);
  const auto state = wanted.state ? to_string(*wanted.state) : std::string_view();
  const auto& kind = wanted.template_name;
  if (!wanted.recipient.empty())
    return on.all(list_recipient, read_mail, before, limit, mail_address_key(wanted.recipient), state, kind);
  if (!state.empty() && !kind.empty())
    return on.all(list_both, read_mail, before, limit, state, kind);
  if (!state.empty())
    return on.all(list_state, read_mail, before, limit, state);
  return kind.empty() ? on.all(list_all, read_mail, before, limit)
                      : on.all(list_template, read_mail, before, limit, kind);
}

expected<void> retry(db& on, id number, unix_time now) {
  return within(on, [&]() -> expected<void> {
    const auto found = find(on, number);
    if (!found)
      return tl::unexpected(found.error());
    if (on.exec(queue_again, number, now, now + schedule_of(found->what.urgency).horizon) == 1) {
      on.notify(mail_channel, "");
      return {};
    }
    if (found->what.details.empty() && found->state != mail_state::sent)
      return fail(problem::kind::conflict, "what it said is gone: it was dropped, or came too late");
    return fail(problem::kind::conflict, "it is " + std::string(to_string(found->state)) + " already");
  });
}

std::int64_t retry_failed(db& on, std::string_view template_name, unix_time now) {
  struct dead {
    id number;
    mail_urgency urgency;
  };
  std::int64_t queued = 0;
  id last = 0;
  for (;;) { // in pieces, so that workers get between them
    const auto some = on.all(
        failed_mails,
        [](const row& r) {
          return dead{r.integer(0), static_cast<mail_urgency>(r.small(1))};
        },
        template_name, last, list_max);
    within(on, [&] {
      for (const dead& one : some)
        queued += on.exec(queue_again, one.number, now, now + schedule_of(one.urgency).horizon);
      if (!some.empty())
        on.notify(mail_channel, "");
    });
    if (some.size() < static_cast<std::size_t>(list_max))
      return queued;
    last = some.back().number;
  }
}

expected<void> drop(db& on, id number, std::string_view who, unix_time now) {
  return within(on, [&]() -> expected<void> {
    const auto found = find(on, number);
    if (!found)
      return tl::unexpected(found.error());
    if (on.exec(bury, number, "dropped by " + std::string(who), now) == 0)
      return fail(problem::kind::conflict, "it is " + std::string(to_string(found->state)) + " already");
    return {};
  });
}

expected<void> pause(db& on, std::string_view template_name, std::string_view who, unix_time now) {
  if (!template_name.empty() && !is_mail_template(template_name))
    return fail(problem::kind::invalid, "not the name of a template");
  on.exec(put_pause, template_name, who, now);
  return {};
}

bool resume(db& on, std::string_view template_name) {
  return within(on, [&] {
    if (on.exec(end_pause, template_name) == 0)
      return false;
    on.notify(mail_channel, "");
    return true;
  });
}

std::vector<mail_pause> list_pauses(db& on) {
  return on.all(all_pauses, [](const row& r) { return mail_pause{r.text(0), r.text(1), r.time(2)}; });
}

std::vector<mail_count> counts(db& on) {
  return on.all(count_mails, [](const row& r) {
    return mail_count{r.text(0), mail_state_of(r.view(1)).value(), r.integer(2)};
  });
}

std::optional<unix_time> oldest_waiting(db& on, unix_time now) {
  const auto found = on.one(
      oldest, [](const row& r) { return r.maybe_time(0); }, now);
  return found ? *found : std::nullopt;
}

std::int64_t forget(db& on, unix_time before) {
  return on.exec(forget_old, before, forget_max);
}

} // namespace lyceum::storage::outbox
