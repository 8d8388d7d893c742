// SPDX-License-Identifier: Apache-2.0
// The subsystem `mail` of a site: made from its configuration, as a tree, and as what operators see of it.
#pragma once

#include "actors/alerts.hpp"
#include "actors/clock_troubles.hpp"
#include "actors/mailer.hpp"
#include "ops/config.hpp"
#include "ops/log.hpp"
#include "storage/key_ring.hpp"
#include "supervision/supervisor.hpp"
#include "supervision/system.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lyceum {

/// Where mail goes with this configuration: to its host; without one to the development mailbox where the site is this machine's own,
/// else nowhere.
mail_road mail_road_of(const config&);

/// True where the base URL is unset, or this machine's own.
bool is_own_machine(const std::string& base_url);

/// What mail asks of its site.
struct mail_surroundings {
  std::string database_url;
  std::string base_url;
  std::shared_ptr<const storage::key_ring> keys; ///< null: mails with sealed details cannot be made
  mail_desk::renderer render;                    ///< absent: the theme's templates
  std::function<std::shared_ptr<const views::theme>()> look;
  std::function<bool()> active;
  std::function<bool()> schema_ready;
  site_log log;
  supervision::system* tree = nullptr;
};

/// What the site holds of mail; outlives the tree.
struct mail_parts {
  mail_desk desk;
  alert_options alerts;

  void prepare(const config&, mail_surroundings around);
};

/// `mail`, rest_for_one: outbox, smtp-1 … smtp-N.
supervision::child mail_tree(mail_parts& parts, supervision::system& tree);
/// `telemetry/alerts`.
supervision::child alerts_child(mail_parts& parts);

/// What operators are told of mail by mail: that it is late, since when.
std::vector<trouble> mail_troubles(const mail_parts& parts);

/// What `ctl health` names of mail.
std::vector<supervision::condition> mail_conditions(const mail_parts& parts);

} // namespace lyceum
