// SPDX-License-Identifier: Apache-2.0
#include "storage/figures.hpp"

#include "storage/outbox.hpp"

namespace lyceum::storage {
namespace {

constexpr query count_accounts{"figures.accounts", "SELECT count(*) FROM accounts"};
constexpr query count_sessions{"figures.sessions", R"sql(
  SELECT count(*) FROM sessions WHERE NOT half_open AND idle_until > $1
)sql"};
constexpr query count_sent{"figures.mails_sent", R"sql(
  SELECT count(*) FROM mail_outbox WHERE state = 'sent' AND sent_at >= $1
)sql"};
constexpr query count_failed{"figures.mails_failed", R"sql(
  SELECT count(*) FROM mail_outbox WHERE state = 'failed' AND updated_at >= $1
)sql"};
// How large a database is, only its engine knows.
constexpr query count_bytes{"figures.bytes", "SELECT pg_database_size(current_database())",
                            "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"};

std::int64_t number(const row& r) {
  return r.integer(0);
}

} // namespace

school_figures figures_of(db& on, unix_time since, unix_time now) {
  return on.snapshot([&] {
    school_figures made;
    made.accounts = on.one(count_accounts, number).value_or(0);
    made.sessions = on.one(count_sessions, number, now).value_or(0);
    made.mails_sent = on.one(count_sent, number, since).value_or(0);
    made.mails_failed = on.one(count_failed, number, since).value_or(0);
    made.bytes = on.one(count_bytes, number).value_or(0);
    made.oldest_waiting = outbox::oldest_waiting(on, now);
    return made;
  });
}

} // namespace lyceum::storage
