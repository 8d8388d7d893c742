// SPDX-License-Identifier: Apache-2.0
#include "ops/site.hpp"

#include "actors/page_store.hpp"
#include "http/cookies.hpp"
#include "http/identity.hpp"
#include "http/routes/routes.hpp"
#include "http/routes/webhooks.hpp"
#include "http/site.hpp"
#include "http/target.hpp"
#include "ops/accept_gate.hpp"
#include "ops/account_commands.hpp"
#include "ops/cache_commands.hpp"
#include "ops/console.hpp"
#include "ops/fingerprint.hpp"
#include "ops/mail_commands.hpp"
#include "ops/site_tree.hpp"
#include "ops/upgrade.hpp"
#include "storage/catalogue.hpp"
#include "storage/key_ring.hpp"
#include "storage/migrate.hpp"
#include "views/theme.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <iterator>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto loop_stuck_after = 3s;     // a loop turns at least every 250 ms
constexpr std::size_t abandoned_max = 16; // lives that were given up and still run; beyond it a new process is the cure

/// True where a visitor's question reaches a database worker, now or after a restart that takes a moment. Workers that are away can
/// tell nobody that the database is.
bool reaches_database(const std::vector<supervision::node_view>& nodes) {
  using state = supervision::node_state;
  bool storage = false;
  bool queue = false;
  bool worker = false;
  for (const auto& node : nodes) {
    const bool serves =
        node.state == state::running || node.state == state::starting || node.state == state::restarting;
    storage = storage || (serves && node.path == "storage");
    queue = queue || (serves && node.path == "storage/db_pool");
    worker = worker || (serves && node.path.starts_with("storage/db-"));
  }
  return storage && queue && worker;
}

std::string url_of(const database_config& database) {
  return database.kind == database_config::engine::sqlite ? "sqlite:" + database.file.string() : database.url.reveal();
}

http::front_config front_config_of(const config& cfg, std::vector<int> sockets) {
  http::front_config made;
  made.sockets = std::move(sockets);
  for (const auto& one : cfg.listen)
    made.listen.push_back(one.text());
  made.threads = static_cast<unsigned>(cfg.threads);
  made.limits.connections_max = cfg.limits.connections_max;
  made.limits.connections_an_address = cfg.limits.address_connections_max;
  made.limits.requests_a_connection = cfg.limits.connection_requests_max;
  made.limits.header_bytes = cfg.limits.header_bytes_max;
  made.limits.body = cfg.limits.body_timeout;
  made.limits.body_rate_min = cfg.limits.body_rate_min;
  made.limits.write = cfg.limits.write_timeout;
  made.limits.header = cfg.limits.header_timeout;
  made.limits.idle = cfg.limits.idle_timeout;
  made.limits.answer = cfg.limits.request_timeout;
  made.access_log = cfg.access_log;
  made.access_log_bytes_max = cfg.access_log_bytes_max;
  made.access_log_files_max = cfg.access_log_files_max;
  const auto& base = cfg.base_url;
  made.session_cookie = http::session_cookie_name(base.starts_with("https://"));
  made.local_allowed = base.empty() || base.find("://127.0.0.1") != std::string::npos ||
                       base.find("://localhost") != std::string::npos || base.find("://[::1]") != std::string::npos;
  return made;
}

} // namespace

struct site::inner {
  log_tail tail; ///< of the process's log, for the console
  options how;
  clock::time_point born = clock::now();

  std::unique_ptr<caf::actor_system_config> caf_settings = supervision::caf_config();
  caf::actor_system actors{*caf_settings};
  page_table pages;
  session_table signed_in;
  people names;
  flights boarding;
  std::unique_ptr<page_store> store;
  supervision::system tree;
  site_parts parts;
  session_door door;

  std::atomic<std::shared_ptr<const views::theme>> look;
  http::site_frame frame;
  std::unique_ptr<http::router> routes;
  std::unique_ptr<http::front> front;
  std::unique_ptr<supervision::control> control;
  std::unique_ptr<upgrader> upgrades;
  std::unique_ptr<console> panel;

  std::atomic<bool> active; ///< the one server that imports
  accept_gate gate;         ///< shut while this server stands by
  std::atomic<bool> up = false;
  std::atomic<bool> wants_drain = false;
  bool stopped = false;

  explicit inner(options given)
      : how(with_tail(std::move(given))), tree(actors, tree_options()), parts(tree), door(tree), active(!how.standby),
        gate(!how.standby) {}

  options with_tail(options given) {
    for (auto* one : {&given.log.info, &given.log.warn, &given.log.error})
      *one = [this, log = std::move(*one)](const std::string& what) {
        tail.add(what);
        if (log)
          log(what);
      };
    return given;
  }

  supervision::system_options tree_options() {
    supervision::system_options made;
    made.conditions = [this] {
      std::vector<supervision::condition> all;
      if (up && !parts.database_health.answers)
        all.push_back({"storage/db_pool", "away",
                       "the database does not answer: kept pages are served, others answer 503; the log says why"});
      if (active)
        std::ranges::move(mail_conditions(parts.mail), std::back_inserter(all));
      return all;
    };
    made.crashes.file = how.cfg.data / "log" / "crashes.jsonl";
    made.log = how.log.error;
    made.poison.file = how.cfg.data / "quarantine.json";
    made.poison.inflight = how.cfg.run_dir() / "inflight";
    made.abandoned_max = abandoned_max;
    made.on_end = how.on_end;
    return made;
  }

  void say(const std::string& what) const {
    if (how.log.warn)
      how.log.warn(what);
  }

  expected<void> load_look() {
    auto loaded = views::load_theme(how.cfg.theme);
    if (!loaded)
      return tl::unexpected(loaded.error());
    look.store(std::move(*loaded));
    return {};
  }

  /// Another server may be at work with a schema that is newer than this program: then it must not take its place.
  expected<void> fits_the_database() const {
    try {
      storage::is_up_to_date(*storage::open(url_of(how.cfg.database), storage::mode::reads));
    } catch (const storage::outage&) { // a state, and the other one's as well
    } catch (const storage::error& wrong) {
      return fail(problem::kind::conflict, wrong.what());
    }
    return {};
  }

  /// Puts the kept pages into the table. The cursor begins where the oldest of them was made: what changed since then marks what is
  /// older than the change, and no more.
  void load_kept_pages() {
    std::int64_t oldest = 0;
    for (auto& kept : store->take()) {
      const auto seq = kept.what->content_seq;
      if (seq > 0)
        oldest = oldest == 0 ? seq : std::min(oldest, seq);
      if (kept.stale)
        pages.put_stale(kept.key, std::move(kept.what));
      else
        pages.put(kept.key, std::move(kept.what));
    }
    parts.cursor.seq = oldest;
  }

  /// Without keys nobody signs in, and everything that is public is served.
  void open_keys() {
    auto ring = storage::key_ring::open(how.cfg.data / "keys", now_utc());
    if (!ring)
      return say("nobody can sign in: " + ring.error().detail);
    frame.keys = std::make_shared<const storage::key_ring>(std::move(*ring));
  }

  void prepare_frame() {
    open_keys();
    frame.secure = how.cfg.base_url.starts_with("https://");
    if (mail_road_of(how.cfg).what == mail_road::kind::mailbox)
      frame.mailbox = "/dev/mailbox";
    frame.sign_in_rules.account.failures_max = static_cast<int>(how.cfg.limits.sign_in_tries);
    frame.sign_in_rules.peer.failures_max = static_cast<int>(how.cfg.limits.sign_in_peer_tries);
    frame.sign_in_rules.everyone.failures_max = static_cast<int>(how.cfg.limits.sign_in_mails_hour);
    frame.changes = std::make_shared<change_times>(micros(now_utc()));
    frame.mail_trouble = [this] { return parts.mail.desk.health.why_not(); };
    frame.look = [this] { return look.load(); };
    frame.security_contact = how.cfg.security_contact;
    frame.body_bytes_max = how.cfg.limits.body_bytes_max;
    auto more = how.more_routes;
    if (how.more_routes_of)
      std::ranges::move(how.more_routes_of(tree), std::back_inserter(more));
    if (mail_road_of(how.cfg).what == mail_road::kind::mailbox)
      std::ranges::move(http::mailbox_routes(frame, parts.mail.desk.box), std::back_inserter(more));
    routes = std::make_unique<http::router>(http::site_router(frame, std::move(more)));
  }

  void prepare_parts() {
    const auto& cfg = how.cfg;
    const auto url = url_of(cfg.database);
    parts.database.url = url;
    parts.database.workers = cfg.database.connections_max;
    parts.database.queue_max = cfg.database.queue_max;
    parts.database.wait_max = cfg.database.wait_max;
    parts.database.waits.statement = cfg.database.statement_timeout;
    parts.database.log = how.log.info;
    parts.database.error = how.log.error;
    parts.changes.url = url;
    parts.changes.log = how.log.error;
    parts.accounts.changed = [this](id account) {
      frame.changes->note(account, micros(now_utc()));
      http::forget(signed_in, names, account);
    };
    parts.accounts.unknown = [this] {
      frame.changes->note_all(micros(now_utc()));
      http::forget_all(signed_in, names);
    };
    parts.signed_in.table = &signed_in;
    parts.signed_in.renew = [this](const std::string& session, storage::db& db) {
      http::identify(signed_in, names, session, db, now_utc(), true);
    };
    parts.desk.before = how.before_render;
    parts.desk.renderers = std::max<std::size_t>(1, cfg.renderers);
    parts.importing = {url,
                       cfg.content,
                       cfg.replace_content,
                       how.log.info,
                       how.log.warn,
                       [this] { return active.load(); },
                       [this] { return parts.database_health.schema_ready.load(std::memory_order_acquire); }};
    if (cfg.content) {
      parts.watching = {*cfg.content, how.log.warn};
      parts.watches = cfg.watch;
    }
    parts.sessions_max = cfg.limits.sessions_max;
    parts.sessions.reset(new session_tools{tree, parts.desk, parts.hashing, pages, cfg.page_cache_bytes_max});
    parts.pages = &pages;
    parts.store = store.get();
    parts.page_limits.bytes_max = cfg.page_cache_bytes_max;
    parts.warming.addresses = [this](storage::db& db) {
      // Pages may all come from disk: error pages would not know the school's name yet.
      if (auto site = storage::catalogue::find_site(db))
        frame.known->keep(std::move(*site));
      std::vector<std::string> paths{"/", "/courses", "/articles", "/sitemap.xml", "/feed.xml", "/atom.xml"};
      for (auto& one : storage::catalogue::list_addresses(db, now_utc()))
        paths.push_back(std::move(one.path));
      std::ranges::reverse(paths); // the warmer takes from the end: the home page first
      return paths;
    };
    parts.warming.warm = [this](const std::string& path) {
      return pages.find(path) && pages.state_of(path) == page_table::freshness::fresh;
    };
    parts.warming.visit = [this](std::string path, std::function<void()> done) {
      visit(std::move(path), std::move(done));
    };
  }

  void prepare_mail() {
    parts.mail.prepare(how.cfg, {url_of(how.cfg.database), frame.base_url, frame.keys, how.render_mail, frame.look,
                                 [this] { return active.load(); },
                                 [this] { return parts.database_health.schema_ready.load(); }, how.log, &tree});
  }

  void prepare_feedback() {
    auto& desk = parts.feedback;
    desk.topic = how.cfg.mail.sns_topic;
    desk.fetch = how.fetch;
    if (!desk.fetch)
      desk.fetch = [&desk](const std::string& url) { return fetch_https(url, {}, desk.stop); };
    desk.log = how.log.info;
    desk.warn = how.log.warn;
  }

  void prepare_clock() {
    parts.clock.prepare(
        how.cfg, {[this] { return active.load(); }, [this] { return parts.database_health.schema_ready.load(); },
                  [this] { return frame.known->get(); },
                  [this] {
                    std::vector<std::string> all;
                    for (auto& one : mail_conditions(parts.mail))
                      all.push_back(std::move(one.detail));
                    return all;
                  },
                  [this] { return mail_troubles(parts.mail); }, born, frame.base_url, frame.mail_host, how.log, &tree});
  }

  /// A request as an anonymous visitor would make it, for the page table's sake.
  void visit(std::string path, std::function<void()> done) {
    auto target = http::read_target(path);
    auto found = target ? routes->find("GET", target->path) : http::router::found{};
    if (found.what != http::router::found::kind::route || !found.row->kept)
      return done();
    auto what = std::make_shared<job>();
    what->asked.method = "GET";
    what->asked.target = path;
    what->asked.path = target->path;
    what->asked.params = found.params;
    what->asked.language = found.language;
    what->asked.id = "warm";
    what->asked.now = now_utc();
    what->run = found.row->run;
    what->needs = found.row->needs;
    what->cache_key = page_key({}, target->path, {}, {});
    what->alike_key = what->cache_key;
    what->route = found.row->pattern;
    what->deadline = clock::now() + how.cfg.limits.request_timeout;
    what->reply = std::make_shared<reply_slot>([done](response&&) { done(); });
    if (boarding.board(what))
      door.enter(std::move(what));
  }

  std::string error_page(int status, const request* asked) const {
    views::site_view view;
    view.look = look.load();
    view.site = frame.known->get();
    view.base_url = frame.base_url;
    const auto& spoken = view.site.languages; // "/xyz" reads as a language too
    const bool known = asked && std::ranges::find(spoken, asked->language) != spoken.end();
    view.language = known ? asked->language : view.site.language;
    view.now = now_utc();
    return views::error_page(view, status, asked ? asked->id : "");
  }

  http::site_state state() {
    http::site_state now;
    now.up = up;
    now.draining = front && front->draining();
    auto nodes = tree.states().snapshot();
    now.database = parts.database_health.answers && reaches_database(nodes);
    now.sessions_begun = parts.sessions ? parts.sessions->begun.load(std::memory_order_relaxed) : 0;
    now.pages = pages.size();
    now.page_bytes = pages.bytes();
    now.pages_max_bytes = how.cfg.page_cache_bytes_max;
    now.crashes = tree.crashes().total();
    now.demoted = tree.demoted();
    now.quarantined = tree.poison().held().size();
    now.uptime = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - born);
    now.resident_bytes = parts.vitals.resident_bytes;
    now.open_files = parts.vitals.open_files;
    now.cpu_ms = parts.vitals.cpu_ms;
    now.mail = parts.mail.desk.health.figures(now_utc());
    for (auto& one : parts.clock.desk.board.get())
      now.tasks.push_back({std::move(one.name), one.runs, one.failures, one.took});
    now.mail_delivering = parts.mail.desk.health.delivering();
    for (auto& node : nodes) {
      if (node.path == "sessions")
        now.sessions = node.children;
      now.parts.push_back({std::move(node.path), std::string(name_of(node.state)), node.generation, node.restarts_total,
                           node.mailbox, node.handled, node.cpu, node.abandoned, node.retry_in, std::move(node.note)});
    }
    return now;
  }

  /// Where a link from this machine leads.
  std::string console_address() const {
    if (!how.cfg.base_url.empty())
      return how.cfg.base_url;
    auto first = front->addresses().front();
    for (const auto& [any, here] : {std::pair{"0.0.0.0:", "127.0.0.1:"}, std::pair{"[::]:", "[::1]:"}})
      if (first.starts_with(any))
        first.replace(0, std::string_view(any).size(), here);
    return "http://" + first;
  }

  void prepare_console() {
    panel = std::make_unique<console>(console::options{
        tree, [this] { return state(); }, [this] { return front->stats(); }, [this] { return look.load(); },
        [this] {
          return http::console_desk::mail_now{parts.mail.desk.health.facts(),
                                              parts.mail.desk.health.figures(now_utc())};
        },
        [this] { return frame.known->get().title; }, [this] { return console_address(); }, tail,
        how.cfg.data / "log" / "audit.jsonl", how.cfg.data / "run" / "console.key", how.cfg.base_url});
    if (!panel->why_closed().empty())
      say("there is no console: " + panel->why_closed());
    parts.console = panel.get();
  }

  expected<void> open_front() {
    auto made = front_config_of(how.cfg, how.sockets);
    made.sessions = &signed_in;
    made.identify = [this](const std::string& session, storage::db* db, unix_time now) {
      return http::identify(signed_in, names, session, *db, now, false);
    };
    made.error_page = [this](int status, const request* asked) { return error_page(status, asked); };
    made.io_routes = http::status_routes([this] { return state(); }, [this] { return front->stats(); });
    made.io_routes.push_back(http::me_route(names));
    if (!how.cfg.mail.sns_topic.empty())
      made.io_routes.push_back(http::mail_webhook(
          [this](std::string body, reply_ptr reply) { hear(tree, parts.feedback, std::move(body), std::move(reply)); },
          sns_body_max));
    std::ranges::move(panel->routes(), std::back_inserter(made.io_routes));
    try {
      front = std::make_unique<http::front>(std::move(made), pages, boarding, door, *routes);
    } catch (const std::runtime_error& wrong) {
      return fail(problem::kind::internal, wrong.what());
    }
    if (const auto most = front->connections_max(); most < how.cfg.limits.connections_max)
      say(fmt::format(
          "{} connections at once, not {}: this process may open too few files. Raise its hard limit (ulimit -Hn, or "
          "LimitNOFILE= in the unit).",
          most, how.cfg.limits.connections_max));
    front->start();
    gate.guards(*front);
    for (std::size_t i = 0; i < front->loops(); ++i)
      parts.loops.push_back({[this, i] { gate.arm(i); }, [this, i] { gate.disarm(i); },
                             [this, i] {
                               const auto now = front->vitals().at(i);
                               return fmt::format(R"({{"armed":{},"open":{},"accepted":{},"requests":{}}})", now.armed,
                                                  now.open, now.accepted, now.requests);
                             }});
    return {};
  }

  /// Feeds and sitemaps are valid only with whole URLs, so there is always one. Kept pages hold it too: it is chosen before them.
  void choose_base_url() {
    frame.base_url = how.cfg.base_url;
    if (frame.base_url.empty()) {
      const auto bound = front->addresses().front();
      frame.base_url = default_base_url(bound);
      const auto at = heart::parse_address(bound);
      if (at && !at->loopback())
        say("base_url is not set: links in feeds and to search engines begin with " + frame.base_url +
            "; set it to the address that visitors use");
    }
    frame.mail_host = message_id_host(frame.base_url);
  }

  void prepare_control() {
    supervision::control_options made;
    made.replaces = how.replaces;
    made.call_max_of["upgrade"] = how.cfg.upgrade_timeout + 60s;
    made.socket = how.cfg.control;
    made.audit = how.cfg.data / "log" / "audit.jsonl";
    made.group = how.cfg.control_group;
    control = std::make_unique<supervision::control>(tree, made);
    panel->serve_by(*control);
    add_cache_commands(*control, tree, pages, how.cfg.page_cache_bytes_max, [this] { return front->stats(); });
    add_mail_commands(*control, tree);
    add_account_commands(*control, tree, [this] {
      return account_surroundings{frame.known->get().timezone, frame.base_url};
    });
    control->on(
        "drain",
        [this](const supervision::control_request&, supervision::control_reply reply) {
          wants_drain = true;
          reply({R"({"draining":true})", {}, {}});
        },
        true);
    control->on(
        "reload",
        [this](const supervision::control_request&, supervision::control_reply reply) {
          reload();
          reply({R"({"reloading":true})", {}, {}});
        },
        true);
    upgrades = std::make_unique<upgrader>(
        upgrade_options{how.upgrade, [this] { return active.load(); }, [this] { control->reclaim(); }});
    control->on(
        "upgrade",
        [this](const supervision::control_request& asked, supervision::control_reply reply) {
          upgrades->handle(asked, std::move(reply));
        },
        true);
    parts.control = control.get();
  }

  expected<void> open_control() {
    if (const auto opened = control->open(); !opened)
      return fail(problem::kind::internal, opened.detail);
    return {};
  }

  void reload() {
    if (auto loaded = load_look(); !loaded)
      say("the theme stays as it was: " + loaded.error().detail);
    else {
      ++parts.sessions->looks;
      supervision::tell(tree.named("cache/page_cache"), evict_pages{"site", 0});
    }
    supervision::tell(tree.named("content/importer"), import_atom::value);
  }
};

site::site(options how) : inner_(std::make_unique<inner>(std::move(how))) {}

site::~site() {
  stop(5s);
}

expected<void> site::start() {
  auto& all = *inner_;
  if (auto loaded = all.load_look(); !loaded)
    return loaded;
  if (all.how.standby)
    if (auto fits = all.fits_the_database(); !fits)
      return fits;
  all.prepare_frame();
  all.prepare_console();
  if (auto opened = all.open_front(); !opened) // nothing is accepted before the tree arms the loops
    return opened;
  all.choose_base_url();
  // With port 0 each start has another base URL: its pages are served, and made anew as they are asked for.
  all.store = std::make_unique<page_store>(
      all.how.cfg.data / "cache", fingerprint_of(all.frame.base_url, *all.look.load()), all.how.log.warn,
      page_store::kinship{family_of(all.how.cfg.base_url), all.how.standby || all.how.cfg.base_url.empty()});
  all.load_kept_pages();
  all.prepare_parts();
  all.prepare_mail();
  all.prepare_feedback();
  all.prepare_clock();
  all.prepare_control();
  if (!all.how.standby)
    if (auto opened = all.open_control(); !opened)
      return opened;
  if (auto started = all.tree.start(site_tree(all.parts)); !started)
    return fail(problem::kind::internal, "the site does not start: " + started.detail);
  all.up = true;
  if (!all.how.last_death.empty())
    all.tree.crashes().add({.kind = "process",
                            .path = "site",
                            .reason = all.how.last_death,
                            .decision = "the heart has started another process"});
  return {};
}

bool site::prepared() const {
  const auto& database = inner_->parts.database_health;
  return database.schema_ready.load(std::memory_order_acquire) || database.away;
}

expected<void> site::take_over() {
  auto& all = *inner_;
  if (auto opened = all.open_control(); !opened)
    return opened;
  all.gate.open();
  return {};
}

void site::become_active() {
  if (inner_->active.exchange(true))
    return;
  supervision::tell(inner_->tree.named("cache/page_cache"), tidy_pages{});
  supervision::tell(inner_->tree.named("content/importer"), import_atom::value);
}

void site::hand_over(std::chrono::milliseconds within) {
  auto& all = *inner_;
  all.active = false; // first: an import that is under way cannot commit any more, and no mail's text begins
  std::vector<std::future<void>> ends;
  for (const auto* part : {"content", "mail", "clock"}) {
    auto stopped = std::make_shared<std::promise<void>>();
    ends.push_back(stopped->get_future());
    all.tree.operate(supervision::operation::stop, part, [stopped](const auto&) { stopped->set_value(); });
  }
  all.parts.mail.desk.interrupt();
  // The watcher may be waiting for the kernel: it hears of the stop when that wait ends.
  for (const auto until = clock::now() + within; clock::now() < until && !ends.empty();) {
    all.parts.watcher_bell.ring();
    std::erase_if(ends, [](auto& one) { return one.wait_for(5ms) == std::future_status::ready; });
  }
  all.store->let_go();
}

std::vector<std::string> site::addresses() const {
  return inner_->front->addresses();
}

bool site::alive() const {
  const auto now_us = micros(now_utc());
  const auto oldest = now_us - std::chrono::microseconds(loop_stuck_after).count();
  // Threads that loop can only be ended with their process.
  return inner_->tree.fit() && std::ranges::all_of(inner_->front->vitals(), [&](const http::loop_vitals& loop) {
           return !loop.running || loop.last_turn_us > oldest;
         });
}

void site::reload() {
  inner_->reload();
}

bool site::asked_to_drain() const {
  return inner_->wants_drain;
}

bool site::stop(std::chrono::milliseconds within) {
  auto& all = *inner_;
  if (std::exchange(all.stopped, true))
    return true;
  const auto until = clock::now() + within;
  bool clean = true;
  if (all.front && all.up)
    clean = all.front->drain(within);
  const auto left = std::max(1000ms, std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()));
  clean = all.tree.stop(left) && clean;
  if (all.upgrades)
    all.upgrades->settle();
  if (all.control)
    all.control->close();
  if (all.front)
    all.front->stop();
  return clean;
}

} // namespace lyceum
