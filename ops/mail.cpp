// SPDX-License-Identifier: Apache-2.0
#include "ops/mail.hpp"

#include "storage/catalogue.hpp"
#include "storage/mail_details.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using supervision::birth;
using supervision::child;
using supervision::worker;

constexpr auto stop_max = 2s; // for a delivery at hand; then it is interrupted, and the mail goes back

/// "school.example" of "https://school.example:8443"
std::string host_of(std::string_view url) {
  const auto from = url.find("://");
  if (from == std::string_view::npos)
    return {};
  url.remove_prefix(from + 3);
  if (url.starts_with('['))
    return "localhost";
  return std::string(url.substr(0, url.find_first_of(":/")));
}

std::string host_text(const mail_config& mail) {
  return mail.host.find(':') == std::string::npos ? fmt::format("{}:{}", mail.host, mail.port)
                                                  : fmt::format("[{}]:{}", mail.host, mail.port);
}

smtp_relay relay_of(const mail_config& mail, const std::string& hello_name) {
  using encryption = mail_config::encryption;
  return {.host = mail.host,
          .port = mail.port,
          .tls = mail.how == encryption::implicit    ? smtp_tls::implicit
                 : mail.how == encryption::start_tls ? smtp_tls::start_tls
                                                     : smtp_tls::none,
          .user = mail.user,
          .password = mail.password.reveal(),
          .log_in = mail.log_in_plainly ? smtp_log_in::plain : smtp_log_in::login,
          .ca_file = mail.ca_file,
          .hello_name = hello_name};
}

/// The theme's templates, in the school's name.
mail_desk::renderer from_templates(std::function<std::shared_ptr<const views::theme>()> look, std::string base_url) {
  return [look = std::move(look), base_url = std::move(base_url)](
             storage::db& db, const mail_draft& what, const std::string& details) -> expected<views::mail_text> {
    auto school = storage::catalogue::find_site(db);
    if (!school && school.error().what != problem::kind::not_found)
      return tl::unexpected(school.error());
    const auto known = school ? std::move(*school) : site_info{};
    return views::render_mail(*look(),
                              {.title = known.title,
                               .base_url = base_url,
                               .language = known.language,
                               .timezone = known.timezone,
                               .accent = known.accent},
                              what.template_name, what.language, details);
  };
}

} // namespace

bool is_own_machine(const std::string& base_url) {
  if (base_url.empty() || base_url.find("://[::1]") != std::string::npos)
    return true;
  return is_loopback_host(host_of(base_url));
}

mail_road mail_road_of(const config& cfg) {
  if (!cfg.mail.host.empty())
    return {mail_road::kind::host, host_text(cfg.mail)};
  if (is_own_machine(cfg.base_url))
    return {mail_road::kind::mailbox, {}};
  return {mail_road::kind::held, "no mail host is set: write smtp_url and mail_from into lyceum.toml, and restart"};
}

void mail_parts::prepare(const config& cfg, mail_surroundings around) {
  const auto name = host_of(around.base_url);
  const auto& mail = cfg.mail;
  const auto road = mail_road_of(cfg);
  desk.health.set_road(road, mail.late);
  desk.url = around.database_url;
  if (!mail.host.empty())
    desk.relay = relay_of(mail, name.empty() ? "localhost" : name);
  desk.from = {mail.from_name, mail.from_address.empty() ? "school@localhost" : mail.from_address};
  desk.reply_to = {{}, mail.reply_to};
  desk.rate = {static_cast<std::int64_t>(mail.per_second), static_cast<std::int64_t>(mail.per_day)};
  desk.holder = fmt::format("process {}", ::getpid());
  desk.open = [keys = around.keys](const mail_draft& draft) -> expected<std::string> {
    if (!keys)
      return fail(problem::kind::unavailable, "the site has no keys; its log says why");
    auto opened = storage::open_details(draft, *keys);
    if (!opened && opened.error().what == problem::kind::not_found)
      return fail(problem::kind::unavailable,
                  "it was sealed with a key that this server does not have: servers that share a database "
                  "need one and the same file \"keys\" in their data folders");
    return opened;
  };
  desk.render = around.render ? around.render : from_templates(around.look, around.base_url);
  desk.active = around.active;
  desk.schema_ready = around.schema_ready;
  desk.log = around.log.info;
  desk.warn = around.log.warn;
  desk.alert = [tree = around.tree](const mail_alert& told) {
    supervision::tell(tree->named("telemetry/alerts"), alert{"mail_late", told.raised, told.detail, told.at});
  };
  for (std::size_t i = 0; i < mail.connections; ++i)
    desk.workers.emplace_back();
  alerts.webhook = mail.alert_webhook.reveal();
  alerts.site = around.base_url;
  alerts.warn = around.log.warn;
  if (road.what == mail_road::kind::mailbox && around.log.info)
    around.log.info("no mail leaves this machine: smtp_url is not set, so mails are shown at /dev/mailbox");
}

child mail_tree(mail_parts& parts, supervision::system& tree) {
  auto& desk = parts.desk;
  std::vector<child> children;
  children.push_back(
      worker({.id = "outbox"}, [&desk, &tree](birth& at) { return at.detached(outbox_keeper, &desk, &tree); }));
  children.back().interrupt = [&desk] { desk.keeper.interrupt(); };
  for (std::size_t i = 0; i < desk.workers.size(); ++i) {
    children.push_back(worker({.id = fmt::format("smtp-{}", i + 1), .shutdown = stop_max},
                              [&desk, i](birth& at) { return at.detached(mail_worker, &desk, i); }));
    children.back().interrupt = [&desk, i] { desk.workers[i].interrupt(); };
    children.back().at_stake = [&desk, i] {
      return desk.workers[i].is_delivering() ? std::string("a mail on its way, sent again within a minute")
                                             : std::string();
    };
  }
  supervision::sup_flags flags;
  flags.strategy = supervision::strategy::rest_for_one;
  flags.intensity = 5;
  flags.period = 30s;
  flags.pooled = true;
  auto made = supervision::supervisor({.id = "mail"}, flags, std::move(children));
  made.note = "mails wait in the outbox; sign-in by password goes on";
  return made;
}

child alerts_child(mail_parts& parts) {
  auto made = worker({.id = "alerts"}, [&parts](birth& at) { return at.detached(alerts, &parts.alerts); });
  made.interrupt = [&parts] { parts.alerts.stop = true; };
  return made;
}

std::vector<supervision::condition> mail_conditions(const mail_parts& parts) {
  std::vector<supervision::condition> all;
  for (auto& one : troubles_of(parts.desk.health.facts(), now_utc()))
    all.push_back({std::move(one.part), std::move(one.state), std::move(one.detail)});
  return all;
}

std::vector<trouble> mail_troubles(const mail_parts& parts) {
  const auto now = now_utc();
  const auto facts = parts.desk.health.facts();
  if (!is_late(facts, now))
    return {};
  trouble made{"mail_late", "Mail is late", {}, facts.oldest.value_or(facts.host_away_since.value_or(now))};
  for (const auto& one : troubles_of(facts, now))
    made.detail += (made.detail.empty() ? "" : " ") + one.detail;
  return {made};
}

} // namespace lyceum
