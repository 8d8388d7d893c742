// SPDX-License-Identifier: Apache-2.0
// A mail's way: put, claimed, settled.
#include "storage/outbox.hpp"

#include "storage/outbox_rows.hpp"
#include "storage/words.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace lyceum::storage::outbox {
namespace {

constexpr std::size_t cause_bytes_max = 200;

constexpr query insert_mail{"outbox.insert_mail", R"sql(
  INSERT INTO mail_outbox (id, recipient, recipient_key, recipient_name, template_name, cause, language, details, list_unsubscribe,
                           message_id, urgency, state, reason, tries, orphaned, next_at, give_up_at, holder, in_data, created_at,
                           updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, $14, $15, '', FALSE, $14, $14)
  ON CONFLICT (recipient_key, template_name, cause) DO NOTHING
)sql"};

constexpr query mail_of_cause{"outbox.mail_of_cause", R"sql(
  SELECT id FROM mail_outbox WHERE recipient_key = $1 AND template_name = $2 AND cause = $3
)sql"};

// Leases that end later than any could (two of them from now) are of a clock that has gone back since.
constexpr query take_orphans{"outbox.take_orphans", R"sql(
  UPDATE mail_outbox
     SET state = CASE WHEN in_data THEN 'uncertain' WHEN orphaned + 1 >= $3 THEN 'failed' ELSE 'queued' END,
         reason = CASE WHEN in_data THEN 'its worker ended after the text had begun: it may have arrived'
                       WHEN orphaned + 1 >= $3 THEN 'its workers ended while sending it, each time' ELSE reason END,
         next_at = CASE WHEN orphaned + 1 >= $3 OR (in_data AND urgency = 2) THEN NULL ELSE $1 END,
         orphaned = orphaned + 1, lease = NULL, leased_until = NULL, updated_at = $1
   WHERE state = 'sending' AND (leased_until <= $1 OR leased_until > $2)
)sql"};

constexpr query bury_late_sign_ins{"outbox.bury_late_sign_ins", R"sql(
  UPDATE mail_outbox
     SET state = 'failed', reason = 'came too late to sign in with', next_at = NULL, details = '', updated_at = $1
   WHERE urgency = 0 AND state IN ('queued', 'deferred', 'uncertain') AND give_up_at <= $1
)sql"};

// What is queued is due whatever the clock says.
#define LYCEUM_DUE_MAIL                                                                                                \
  "WITH due AS MATERIALIZED ("                                                                                         \
  "  SELECT id FROM mail_outbox o"                                                                                     \
  "   WHERE state IN ('queued', 'deferred', 'uncertain') AND (state = 'queued' OR next_at <= $1)"                      \
  "     AND (urgency < 2 OR $2)"                                                                                       \
  "     AND NOT EXISTS (SELECT 1 FROM mail_pauses p WHERE p.template_name = '' OR p.template_name = o.template_name)"  \
  "   ORDER BY urgency, next_at, id LIMIT $3"
#define LYCEUM_CLAIM_MAIL                                                                                              \
  ")"                                                                                                                  \
  "UPDATE mail_outbox"                                                                                                 \
  "   SET state = 'sending', tries = tries + 1, lease = $4, leased_until = $5, holder = $6, in_data = FALSE,"          \
  "       updated_at = $1"                                                                                             \
  " WHERE id IN (SELECT id FROM due) RETURNING" LYCEUM_MAIL_COLUMNS

constexpr query claim_due{"outbox.claim_due", LYCEUM_DUE_MAIL " FOR UPDATE OF o SKIP LOCKED" LYCEUM_CLAIM_MAIL,
                          // SQLite has one writer at a time, so there is nothing to skip.
                          LYCEUM_DUE_MAIL LYCEUM_CLAIM_MAIL};

constexpr query budget{"outbox.budget",
                       "SELECT level, filled_at, day, spent_today FROM mail_budget WHERE id = 1 FOR UPDATE",
                       // As above: the transaction holds the whole database.
                       "SELECT level, filled_at, day, spent_today FROM mail_budget WHERE id = 1"};
constexpr query write_budget{"outbox.write_budget", R"sql(
  UPDATE mail_budget SET level = $1, filled_at = $2, day = $3, spent_today = $4 WHERE id = 1
)sql"};

// The first of each urgency, as the index has them: a newsletter's hundred thousand rows are not read for it.
#define LYCEUM_FIRST_MAIL(urgency)                                                                                     \
  " SELECT at FROM (SELECT CASE WHEN state = 'queued' THEN $1 ELSE next_at END AS at FROM mail_outbox o"               \
  "   WHERE state IN ('queued', 'deferred', 'uncertain') AND urgency = " urgency " AND next_at IS NOT NULL"            \
  "     AND NOT EXISTS (SELECT 1 FROM mail_pauses p WHERE p.template_name = '' OR p.template_name = o.template_name)"  \
  "   ORDER BY urgency, next_at, id LIMIT 1) AS first_of_" urgency " UNION ALL"
constexpr query due_next{"outbox.due_next", "SELECT MIN(at) FROM (" LYCEUM_FIRST_MAIL("0") LYCEUM_FIRST_MAIL("1")
                                                LYCEUM_FIRST_MAIL("2") R"sql(
  SELECT MIN(CASE WHEN leased_until > $2 THEN $1 ELSE leased_until END) FROM mail_outbox WHERE state = 'sending'
) AS all_kinds)sql"};

constexpr query keep_lease{"outbox.keep_lease", R"sql(
  UPDATE mail_outbox SET leased_until = $3, in_data = in_data OR $4, updated_at = $5
   WHERE id = $1 AND lease = $2 AND state = 'sending'
)sql"};

constexpr query end_lease{"outbox.end_lease", R"sql(
  UPDATE mail_outbox
     SET state = $3, reason = $4, next_at = $5, tries = tries - $6, sent_at = $7, updated_at = $8,
         details = CASE WHEN $9 THEN '' ELSE details END, lease = NULL, leased_until = NULL, in_data = FALSE
   WHERE id = $1 AND lease = $2 AND state = 'sending'
)sql"};

// What a settled lease leaves behind.
struct ending {
  mail_state state = mail_state::failed;
  std::string reason;
  std::optional<unix_time> next_at;
  int tries_back = 0;
};

std::string fault_of(const mail_draft& draft) {
  const auto header = [](std::string_view name, std::string_view value) -> std::string {
    if (const auto fault = mail_header_fault(value); !fault.empty())
      return std::string(name) + ": " + fault;
    return first_bad_utf8(value) ? std::string(name) + ": not UTF-8" : "";
  };
  if (!is_mail_address(draft.recipient))
    return "recipient: not an address that mail can be sent to";
  if (!is_mail_template(draft.template_name))
    return "template: not a name";
  if (auto fault = header("recipient's name", draft.recipient_name); !fault.empty())
    return fault;
  if (auto fault = header("cause", draft.cause); !fault.empty())
    return fault;
  if (draft.cause.empty() || draft.cause.size() > cause_bytes_max)
    return "cause: empty, or longer than " + std::to_string(cause_bytes_max) + " bytes";
  if (auto fault = header("list-unsubscribe", draft.list_unsubscribe); !fault.empty())
    return fault;
  if (!draft.list_unsubscribe.empty() && (!draft.list_unsubscribe.starts_with("https://") ||
                                          draft.list_unsubscribe.find_first_of(" <>\"") != std::string::npos))
    return "list-unsubscribe: not an https URL";
  if (!is_language(draft.language))
    return "language: not a tag such as \"en\"";
  if (draft.details.size() > mail_details_bytes_max)
    return "details: longer than " + std::to_string(mail_details_bytes_max) + " bytes";
  if (draft.details.empty() || first_bad_utf8(draft.details) || draft.details.find('\0') != std::string::npos)
    return "details: empty, or not UTF-8 without NUL";
  return "";
}

mail_bucket read_bucket(const row& r) {
  return {.level = r.integer(0), .filled_at = r.time(1), .day = r.integer(2), .spent_today = r.integer(3)};
}

expected<void> keep(db& on, const claimed_mail& held, bool in_data, unix_time now) {
  if (on.exec(keep_lease, held.what.number, held.token, now + mail_lease, in_data, now) == 0)
    return fail(problem::kind::conflict, "the lease of this mail is somebody else's by now");
  return {};
}

bool end(db& on, const claimed_mail& held, const ending& how, unix_time now) {
  const bool was_sent = how.state == mail_state::sent;
  return on.exec(end_lease, held.what.number, held.token, to_string(how.state), how.reason, how.next_at, how.tries_back,
                 was_sent ? std::optional(now) : std::nullopt, now, was_sent) == 1;
}

ending ending_of(const mail& m, const delivery& told, unix_time now, double jitter) {
  using result = delivery::result;
  const auto again = [&] { return next_try(m.what.urgency, m.tries, now, m.give_up_at, jitter); };
  const auto given_up = [&] {
    return ending{mail_state::failed,
                  "given up after " + std::to_string(m.tries) + (m.tries == 1 ? " try: " : " tries: ") + told.reason,
                  {}};
  };
  switch (told.how) {
  case result::sent:
    return {mail_state::sent, told.reason, {}};
  case result::refused:
    return {mail_state::failed, told.reason, {}};
  case result::uncertain:
    return {mail_state::uncertain, told.reason, m.what.urgency == mail_urgency::bulk ? std::nullopt : again()};
  case result::interrupted:
    return {mail_state::queued, told.reason, now, 1};
  case result::misconfigured:
    if (now + mail_settings_pause <= m.give_up_at)
      return {mail_state::deferred, told.reason, now + mail_settings_pause, 1};
    return given_up();
  case result::deferred:
  case result::unreachable:
    break;
  }
  if (const auto then = again())
    return {mail_state::deferred, told.reason, then};
  return given_up();
}

// Claims up to `count` and lets go of those whose recipients are suppressed. Returns how many rows it took.
int claim_some(db& on, const claim_wish& wish, int count, bool bulk, unix_time now, std::vector<claimed_mail>& out) {
  const std::int64_t token = make_id();
  const auto taken = on.all(claim_due, read_mail, now, bulk, count, token, now + mail_lease, wish.holder);
  for (const mail& m : taken) {
    claimed_mail held{m, token};
    if (const auto why = find_suppression(on, m.what.recipient))
      end(on, held, {mail_state::suppressed, std::string(to_string(why->kind)) + ": " + why->detail, {}, 1}, now);
    else
      out.push_back(std::move(held));
  }
  return static_cast<int>(taken.size());
}

} // namespace

expected<put_mail> put(db& on, const mail_draft& draft, std::string_view host, unix_time now) {
  if (!on.in_transaction())
    throw std::logic_error("a mail is put in the transaction of its cause");
  if (auto fault = fault_of(draft); !fault.empty())
    return fail(problem::kind::invalid, std::move(fault));
  const id number = make_id();
  const std::string key = mail_address_key(draft.recipient);
  const std::string message_id = make_message_id(number, host);
  if (!is_mail_address(std::string_view(message_id).substr(1, message_id.size() - 2)))
    return fail(problem::kind::invalid, "host: cannot stand in a Message-ID");
  const auto why = find_suppression(on, draft.recipient);
  const auto state = why ? mail_state::suppressed : mail_state::queued;
  const std::string reason = why ? std::string(to_string(why->kind)) + ": " + why->detail : "";
  const bool fresh =
      on.exec(insert_mail, number, draft.recipient, key, draft.recipient_name, draft.template_name, draft.cause,
              draft.language, draft.details, draft.list_unsubscribe, message_id, static_cast<int>(draft.urgency),
              to_string(state), reason, now, now + schedule_of(draft.urgency).horizon) == 1;
  if (!fresh)
    return put_mail{
        on.one(
              mail_of_cause, [](const row& r) { return r.integer(0); }, key, draft.template_name, draft.cause)
            .value()};
  if (!why)
    on.notify(mail_channel, "");
  return put_mail{number, true};
}

std::vector<claimed_mail> claim(db& on, const claim_wish& wish, unix_time now) {
  std::vector<claimed_mail> out;
  within(on, [&] {
    on.exec(take_orphans, now, now + 2 * mail_lease, mail_orphaned_max);
    on.exec(bury_late_sign_ins, now);
    const bool limited = wish.rate.per_second > 0 || wish.rate.per_day > 0;
    mail_bucket bucket;
    if (limited)
      bucket = refilled(on.one(budget, read_bucket).value(), wish.rate, now);
    int wanted = available(bucket, wish.rate, std::min(wish.count, claim_max));
    const bool bulk = bulk_allowed(bucket, wish.rate);
    // Suppressed ones make room for others; a long run of them is worked off by the next claims.
    for (int round = 0; round < 4 && wanted > 0; ++round) {
      const auto before = out.size();
      if (claim_some(on, wish, wanted, bulk, now, out) < wanted)
        break;
      wanted -= static_cast<int>(out.size() - before);
    }
    if (limited) {
      bucket = spent(bucket, wish.rate, static_cast<int>(out.size()));
      on.exec(write_budget, bucket.level, bucket.filled_at, bucket.day, bucket.spent_today);
    }
  });
  std::sort(out.begin(), out.end(), [](const claimed_mail& a, const claimed_mail& b) {
    return std::tuple(a.what.what.urgency, a.what.next_at, a.what.number) <
           std::tuple(b.what.what.urgency, b.what.next_at, b.what.number);
  });
  return out;
}

std::optional<unix_time> next_due(db& on, unix_time now) {
  const auto found = on.one(
      due_next, [](const row& r) { return r.maybe_time(0); }, now, now + 2 * mail_lease);
  return found ? *found : std::nullopt;
}

expected<void> heartbeat(db& on, const claimed_mail& held, unix_time now) {
  return keep(on, held, false, now);
}

expected<void> begin_data(db& on, const claimed_mail& held, unix_time now) {
  return keep(on, held, true, now);
}

expected<mail_state> settle(db& on, const claimed_mail& held, const delivery& told, unix_time now, double jitter) {
  const ending how = ending_of(held.what, told, now, jitter);
  return within(on, [&]() -> expected<mail_state> {
    if (!end(on, held, how, now))
      return fail(problem::kind::conflict, "the lease of this mail is somebody else's by now");
    if (told.how == delivery::result::refused && told.address_is_dead)
      std::ignore = suppress(on, held.what.what.recipient, suppression_kind::bounce, told.reason,
                             now); // put looked at the address
    return how.state;
  });
}

} // namespace lyceum::storage::outbox
