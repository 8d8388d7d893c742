// SPDX-License-Identifier: Apache-2.0
// How the school is in figures: for the operators' daily mail.
#pragma once

#include "storage/db.hpp"

#include <cstdint>
#include <optional>

namespace lyceum::storage {

struct school_figures {
  std::int64_t accounts = 0;
  std::int64_t sessions = 0;               ///< signed-in browsers
  std::int64_t mails_sent = 0;             ///< since `since`
  std::int64_t mails_failed = 0;           ///< since `since`
  std::int64_t bytes = 0;                  ///< of the database on its disk
  std::optional<unix_time> oldest_waiting; ///< `outbox::oldest_waiting`
};
/// As they stood at one moment. Counts rows: for once a day, not for a page.
school_figures figures_of(db&, unix_time since, unix_time now);

} // namespace lyceum::storage
