// SPDX-License-Identifier: Apache-2.0
// Addresses that get no mail: mailboxes that are gone, people who complained, and those that an operator named.
#include "storage/outbox.hpp"

namespace lyceum::storage::outbox {
namespace {

constexpr query put_suppression{"outbox.put_suppression", R"sql(
  INSERT INTO mail_suppressions (recipient_key, kind, detail, created_at) VALUES ($1, $2, $3, $4)
  ON CONFLICT (recipient_key) DO NOTHING
)sql"};
constexpr query end_suppression{"outbox.end_suppression", "DELETE FROM mail_suppressions WHERE recipient_key = $1"};
constexpr query one_suppression{"outbox.one_suppression", R"sql(
  SELECT recipient_key, kind, detail, created_at FROM mail_suppressions WHERE recipient_key = $1
)sql"};
constexpr query newest_suppressions{"outbox.newest_suppressions", R"sql(
  SELECT recipient_key, kind, detail, created_at FROM mail_suppressions ORDER BY created_at DESC, recipient_key LIMIT $1
)sql"};

suppression read_suppression(const row& r) {
  const auto kind = r.view(1);
  return {r.text(0),
          kind == "bounce"      ? suppression_kind::bounce
          : kind == "complaint" ? suppression_kind::complaint
                                : suppression_kind::by_hand,
          r.text(2), r.time(3)};
}

} // namespace

expected<void> suppress(db& on, std::string_view address, suppression_kind kind, std::string_view detail,
                        unix_time now) {
  if (!is_mail_address(address))
    return fail(problem::kind::invalid, "not an address");
  on.exec(put_suppression, mail_address_key(address), to_string(kind), detail, now);
  return {};
}

bool unsuppress(db& on, std::string_view address) {
  return on.exec(end_suppression, mail_address_key(address)) == 1;
}

std::optional<suppression> find_suppression(db& on, std::string_view address) {
  return on.one(one_suppression, read_suppression, mail_address_key(address));
}

std::vector<suppression> list_suppressions(db& on) {
  return on.all(newest_suppressions, read_suppression, list_max);
}

} // namespace lyceum::storage::outbox
