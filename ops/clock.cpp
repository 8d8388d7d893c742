// SPDX-License-Identifier: Apache-2.0
#include "ops/clock.hpp"

#include "actors/alerts.hpp"
#include "ops/console_state.hpp"
#include "storage/grants.hpp"
#include "storage/moments.hpp"
#include "storage/outbox.hpp"
#include "storage/sessions.hpp"
#include "storage/sign_in.hpp"
#include "storage/sign_in_limits.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#ifndef LYCEUM_VERSION
#define LYCEUM_VERSION "unknown"
#endif

namespace lyceum {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
namespace outbox = storage::outbox;

constexpr int rows_a_run = 1000;
constexpr int grants_a_run = 100; // each with its mail
constexpr auto well_at = 7h;      // the daily mail: before the working day
constexpr auto troubles_every = 10s;
constexpr std::size_t crashes_read = 256; // as many as are kept

struct shared {
  clock_surroundings around;
  std::string address; ///< of operators; empty: nobody is written to
  std::filesystem::path data;
  trouble_book& book;
};
using shared_ptr = std::shared_ptr<const shared>;

std::string micros_text(unix_time at) {
  return std::to_string(micros(at));
}

std::string language_of(const clock_surroundings& around) {
  auto language = around.school().language;
  return language.empty() ? "en" : language;
}

/// A mail that cannot be written to its recipient, whose address is odd, is that mail's fault alone.
bool put(storage::db& db, const shared& with, const mail_draft& what, unix_time now) {
  const auto made = outbox::put(db, what, with.around.mail_host, now);
  if (!made && with.around.log.warn)
    with.around.log.warn(fmt::format("no mail \"{}\" for {}: {}", what.template_name, what.cause, made.error().detail));
  return made && made->fresh;
}

/// A task that deletes what is past its time, `rows_a_run` rows at most.
clock_task removing(std::string name, std::function<std::int64_t(storage::db&, unix_time, int)> remove) {
  return {std::move(name), {.every = 1h}, [remove = std::move(remove)](storage::db& db, const clock_task::moment& at) {
            const auto gone = remove(db, at.now, rows_a_run);
            return task_result{true, gone >= rows_a_run, fmt::format("{} removed", gone)};
          }};
}

clock_task ended_grants(const shared_ptr& with) {
  return {"grants", {.every = 1min}, [with](storage::db& db, const clock_task::moment& at) {
            const auto tell = [&](storage::db& in, const grant& ended, const account& owner) {
              if (storage::grants::has_plan(in, owner.account_id, ended.plan, at.now))
                return; // by another grant: nothing is closed
              put(in, *with,
                  {.recipient = owner.address,
                   .recipient_name = owner.name,
                   .template_name = "grant_ended",
                   .cause = fmt::format("grant_ended:{}", ended.grant_id),
                   .language = owner.language.empty() ? language_of(with->around) : owner.language,
                   .details = json::serialize(json::object{{"plan", ended.plan},
                                                           {"at", micros_text(*ended.expires_at)},
                                                           {"link", with->around.base_url + "/account"}})},
                  at.now);
            };
            const auto ended = storage::grants::note_ended(db, at.now, grants_a_run, tell);
            return task_result{true, ended.size() >= grants_a_run, fmt::format("{} ended", ended.size())};
          }};
}

std::uint64_t crashes_since(supervision::system& tree, std::chrono::system_clock::time_point since) {
  std::uint64_t n = 0;
  for (const auto& one : tree.crashes().recent(crashes_read))
    if (one.at >= since)
      n += one.times;
  return n;
}

daily_facts facts_of(const shared& with, storage::db& db, const clock_task::moment& at) {
  daily_facts made;
  made.day = at.day;
  made.school = storage::figures_of(db, at.now - 24h, at.now);
  made.crashes = crashes_since(*with.around.tree, at.now - 24h);
  for (const auto& node : with.around.tree->states().snapshot())
    made.restarts += node.restarts_total;
  std::error_code none;
  const auto disk = std::filesystem::space(with.data, none);
  if (!none) {
    made.disk_free = disk.available;
    made.disk_all = disk.capacity;
  }
  made.uptime = std::chrono::duration_cast<std::chrono::milliseconds>(schedule::clock::now() - with.around.born);
  made.version = LYCEUM_VERSION;
  made.trouble = with.around.unwell();
  for (auto& path : with.around.tree->states().unwell())
    made.trouble.push_back(path + " is degraded");
  made.link = with.around.base_url + "/ops";
  made.now = at.now;
  return made;
}

clock_task all_well(const shared_ptr& with) {
  return {"all_well", {.daily_at = well_at}, [with](storage::db& db, const clock_task::moment& at) {
            const auto details = all_well_details(facts_of(*with, db, at));
            const bool fresh = db.transaction([&] {
              return put(db, *with,
                         {.recipient = with->address,
                          .template_name = "all_well",
                          .cause = "all_well:" + storage::day_text(at.day),
                          .language = language_of(with->around),
                          .details = details},
                         at.now);
            });
            return task_result{true, false, fresh ? "a mail was put" : "there was one for today"};
          }};
}

std::vector<trouble> all_troubles(const shared& with) {
  auto& tree = *with.around.tree;
  auto there = degraded_parts(tree.states().snapshot(), tree.crashes().recent(crashes_read), now_utc());
  std::ranges::move(with.around.troubles(), std::back_inserter(there));
  return there;
}

/// Looks, and tells the webhook what is new.
void look(const shared& with) {
  const auto now = schedule::clock::now();
  for (const auto& one : with.book.see(all_troubles(with), now)) {
    if (!one.what.kind.starts_with("degraded:")) // mail tells its own
      continue;
    supervision::tell(with.around.tree->named("telemetry/alerts"),
                      alert{one.what.kind, one.raised,
                            one.raised ? one.what.what + ". " + one.what.detail : one.what.what + " no more",
                            now_utc()});
  }
}

/// Needs no database, so it goes on where that is the trouble.
clock_task troubles(const shared_ptr& with) {
  return {"alerts", {.every = troubles_every}, {}, [with] {
            look(*with);
            return false;
          }};
}

clock_task trouble_mails(const shared_ptr& with) {
  return {"alert_mails",
          {.every = troubles_every},
          [with](storage::db& db, const clock_task::moment& at) {
            const auto now = schedule::clock::now();
            const auto untold = with->book.untold(now);
            db.transaction([&] {
              for (const auto& one : untold)
                put(db, *with,
                    {.recipient = with->address,
                     .template_name = "alert",
                     .cause = fmt::format("alert:{}:{}", one.kind, micros(one.since)),
                     .language = language_of(with->around),
                     .details = json::serialize(json::object{{"what", one.what},
                                                             {"since", micros_text(one.since)},
                                                             {"detail", one.detail},
                                                             {"link", with->around.base_url + "/ops"}})},
                    at.now);
            });
            for (const auto& one : untold)
              with->book.told(one, now);
            return task_result{true, false, fmt::format("{} told by mail", untold.size())};
          },
          [with] { return !with->address.empty() && !with->book.untold(schedule::clock::now()).empty(); }};
}

std::string bytes_text(double bytes) {
  for (const char* unit : {"B", "KiB", "MiB", "GiB"}) {
    if (bytes < 1024)
      return fmt::format("{:.{}f} {}", bytes, bytes < 10 && *unit != 'B' ? 1 : 0, unit);
    bytes /= 1024;
  }
  return fmt::format("{:.1f} TiB", bytes);
}

std::string subsystem_of(const std::string& path) {
  return path.substr(0, path.find('/'));
}

} // namespace

std::string all_well_details(const daily_facts& of) {
  json::array facts;
  const auto fact = [&](const char* label, std::string value) {
    facts.push_back(json::object{{"label", label}, {"value", std::move(value)}});
  };
  fact("Members", std::to_string(of.school.accounts));
  fact("Signed-in browsers", std::to_string(of.school.sessions));
  fact("Mails sent in 24 hours", std::to_string(of.school.mails_sent));
  fact("Mails failed in 24 hours", std::to_string(of.school.mails_failed));
  fact("Crashes in 24 hours", std::to_string(of.crashes));
  fact("Restarts of parts since the start", std::to_string(of.restarts));
  if (of.disk_all > 0)
    fact("Free disk", fmt::format("{} of {}", bytes_text(static_cast<double>(of.disk_free)),
                                  bytes_text(static_cast<double>(of.disk_all))));
  fact("Database", bytes_text(static_cast<double>(of.school.bytes)));
  if (of.school.oldest_waiting)
    fact("Oldest mail that waits",
         span_text(std::chrono::duration_cast<std::chrono::milliseconds>(of.now - *of.school.oldest_waiting)));
  fact("Version", of.version);
  fact("Running for", span_text(of.uptime));

  json::array lines;
  for (const auto& one : of.trouble)
    lines.emplace_back(one);
  if (of.disk_all > 0 && of.disk_free * 10 < of.disk_all)
    lines.emplace_back(fmt::format("The disk is {} % full", 100 - of.disk_free * 100 / of.disk_all));
  if (of.school.mails_failed > 0)
    lines.emplace_back(
        fmt::format("{} mails failed: `lyceum ctl mail list --state failed` names them", of.school.mails_failed));
  if (of.crashes > 0)
    lines.emplace_back(fmt::format("{} crash reports: `lyceum ctl crashes` has them", of.crashes));
  return json::serialize(json::object{{"period", storage::day_text(of.day - 1)},
                                      {"facts", std::move(facts)},
                                      {"trouble", std::move(lines)},
                                      {"link", of.link}});
}

std::vector<trouble> degraded_parts(const std::vector<supervision::node_view>& nodes,
                                    const std::vector<supervision::crash>& crashes, unix_time now) {
  using state = supervision::node_state;
  std::vector<trouble> all;
  const auto add = [&](const std::string& part, const std::string& detail, unix_time since) {
    const auto kind = "degraded:" + part;
    if (std::ranges::find(all, kind, &trouble::kind) == all.end())
      all.push_back({kind, part + " is degraded", detail, since});
  };
  const auto note_of = [&](const std::string& part) {
    const auto at = std::ranges::find(nodes, part, &supervision::node_view::path);
    return at == nodes.end() || at->note.empty() ? std::string() : "Learners notice: " + at->note + ". ";
  };
  constexpr std::string_view remedy = "It is tried again by itself. `lyceum ctl crashes` says why.";
  for (const auto& one : crashes)
    if (const auto at = std::chrono::time_point_cast<std::chrono::microseconds>(one.at);
        one.kind == "budget_spent" && at > now - 1min && at <= now)
      add(subsystem_of(one.path),
          fmt::format("{} spent its restarts. {}{}", one.path, note_of(subsystem_of(one.path)), remedy), at);
  for (const auto& one : nodes)
    if (one.state == state::degraded || one.state == state::down)
      add(subsystem_of(one.path), fmt::format("{}{}", note_of(subsystem_of(one.path)), remedy), now);
  return all;
}

void clock_parts::prepare(const config& cfg, clock_surroundings around) {
  desk.active = around.active;
  desk.schema_ready = around.schema_ready;
  desk.warn = around.log.warn;
  desk.log = around.log.info;
  desk.wall = [school = around.school](unix_time at) {
    const auto local = storage::local_moment_of(at, school().timezone);
    return schedule::wall{local.day, local.of_day};
  };
  const auto with = std::make_shared<const shared>(shared{std::move(around), cfg.mail.alert_address, cfg.data, book});
  desk.tasks = {
      removing("sign_ins", [](storage::db& db, unix_time now,
                              int limit) { return storage::sign_in::remove_expired(db, now, limit); }),
      removing("sessions", [](storage::db& db, unix_time now,
                              int limit) { return storage::sessions::remove_expired(db, now, limit); }),
      removing("limits", [](storage::db& db, unix_time now,
                            int limit) { return storage::sign_in_limits::remove_expired(db, now, limit); }),
      ended_grants(with),
      troubles(with),
      trouble_mails(with),
  };
  if (!with->address.empty())
    desk.tasks.push_back(all_well(with));
}

supervision::child clock_tree(clock_parts& parts, supervision::system& tree) {
  supervision::sup_flags flags;
  flags.intensity = 5;
  flags.period = 30s;
  flags.pooled = true;
  auto made = supervision::supervisor(
      {.id = "clock"}, flags, {supervision::worker({.id = "scheduler"}, [&parts, &tree](supervision::birth& at) {
        return at.pooled(scheduler, &parts.desk, &tree);
      })});
  made.note = "nothing: what is done now and then is done later";
  return made;
}

} // namespace lyceum
