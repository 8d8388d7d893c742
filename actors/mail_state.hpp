// SPDX-License-Identifier: Apache-2.0
// How mail goes: for pages, health and figures. Knows no CAF.
#pragma once

#include "actors/mail_patience.hpp"
#include "storage/model/mail.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum {

/// Where mail goes, by the configuration.
struct mail_road {
  enum class kind {
    host,    ///< to a mail host
    mailbox, ///< nowhere: it is shown at /dev/mailbox
    held,    ///< nowhere, though the site is public: it waits until somebody names a host
  };
  kind what = kind::mailbox;
  std::string host; ///< "smtp.example:587"; for `held` what is wrong
};

/// What is known of mail at one moment.
struct mail_facts {
  mail_road road;
  std::optional<unix_time> host_away_since;
  std::string host_reason; ///< "the mail host smtp.example:587 cannot be connected to …"
  std::optional<unix_time> database_away_since;
  std::int64_t waiting = 0; ///< queued or deferred
  std::int64_t deferred = 0;
  std::optional<unix_time> put_off_since; ///< the first try that was put off since a mail was sent
  std::optional<unix_time> oldest;        ///< since when one of them could have been sent: `outbox::oldest_waiting`
  std::vector<std::string> paused;        ///< templates; "" = all of them
  std::chrono::minutes late_after{10};
};

/// True where a mail that is put now is sent soon, as far as is known.
bool is_delivering(const mail_facts&);
/// For visitors, without names of machines; empty while it is delivered.
std::string why_not_delivering(const mail_facts&);
/// Mails that are put off, and none sent, before that is no recipient's fault any more.
inline constexpr std::int64_t put_off_suspect = 3;
/// True where for longer than `late_after` a mail waits that could be sent, or the mail host is away while any waits, or it puts off one
/// mail after the other and takes none.
bool is_late(const mail_facts&, unix_time now);

/// What an operator should know: a word, and a sentence.
struct mail_trouble {
  std::string part;  ///< path of the child that it concerns
  std::string state; ///< "away", "held", "late"
  std::string detail;
};
std::vector<mail_trouble> troubles_of(const mail_facts&, unix_time now);

/// Figures for /metrics.
struct mail_figures {
  struct row {
    std::string template_name;
    mail_state state = mail_state::queued;
    std::int64_t mails = 0;
  };
  /// Bounds of the histogram of deliveries, in seconds; the last one is smtp_waits::all.
  static constexpr std::array<double, 8> bounds_s{0.05, 0.25, 1, 5, 20, 60, 240, 420};

  std::vector<row> mails;
  double oldest_waiting_s = 0;
  std::array<std::uint64_t, 7> ended{};                  ///< by delivery::result
  std::array<std::uint64_t, bounds_s.size() + 1> took{}; ///< the last one: longer
  double took_sum_s = 0;
};

/// The state of mail, told by its workers. Outlives them. Thread-safe; every call is quick.
class mail_health {
public:
  using clock = std::chrono::steady_clock;

  mail_health();

  // --- for pages
  /// True where a mail that is put now is sent soon, as far as is known.
  bool delivering() const;
  /// Why not, a sentence for visitors, in English; empty while `delivering`.
  std::string why_not() const;

  // --- for operators
  mail_facts facts() const;
  mail_figures figures(unix_time now) const;

  // --- for the workers
  void set_road(mail_road, std::chrono::minutes late_after); ///< once, before the tree starts
  bool may_claim(std::size_t worker, clock::time_point now);
  void leave(std::size_t worker);
  /// How a try ended. Returns a line for the log where that changes how mail goes: it stopped, or goes again.
  std::string ended(std::size_t worker, const delivery& how, clock::duration took, unix_time now);
  void database(bool answers, unix_time now);
  void counted(std::vector<mail_figures::row> mails, std::optional<unix_time> oldest, std::vector<std::string> paused);

private:
  mutable std::mutex guard_;
  mail_patience patience_;
  mail_facts facts_;
  mail_figures figures_;
};

} // namespace lyceum
