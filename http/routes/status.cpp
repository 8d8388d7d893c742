// SPDX-License-Identifier: Apache-2.0
// How the site is, for load balancers and Prometheus. Asks no actor and no database.
#include "http/site.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>

namespace lyceum::http {
namespace {

response plain(int status, std::string text) {
  response answer;
  answer.status = status;
  answer.content_type = "text/plain; charset=utf-8";
  answer.body = std::move(text);
  return answer;
}

/// The first part of a path: the subsystem.
std::string_view subsystem_of(std::string_view path) {
  return path.substr(0, path.find('/'));
}

bool is_away(std::string_view state) {
  return state == "degraded" || state == "down" || state == "restarting" || state == "stopped";
}

/// 200 while serving, even where a subsystem is degraded; 503 before the tree is up, while draining, or with the database away and
/// nothing kept. Details are for visitors on this machine.
response ready(const site_state& now, const request& asked) {
  const bool serving = now.up && !now.draining && (now.database || now.pages > 0);
  boost::json::object body;
  body["status"] = serving ? "ready" : now.draining ? "draining" : now.up ? "storage is away" : "starting";
  if (asked.local) {
    boost::json::object parts;
    boost::json::array away;
    for (const auto& one : now.parts) {
      if (one.path == subsystem_of(one.path))
        parts[one.path] = one.state;
      if (is_away(one.state) && !one.note.empty()) { // a subsystem: what lies below it is away with it
        boost::json::object told{{"path", one.path}, {"state", one.state}, {"meanwhile", one.note}};
        if (one.retry_in.count() > 0)
          told["retry_in_ms"] = one.retry_in.count();
        away.push_back(std::move(told));
      }
    }
    body["database"] = now.database ? "answers" : "away";
    body["pages_kept"] = now.pages;
    body["subsystems"] = std::move(parts);
    body["degraded"] = std::move(away);
  }
  response answer;
  answer.status = serving ? 200 : 503;
  answer.content_type = "application/json";
  answer.body = boost::json::serialize(body) + "\n";
  if (!serving)
    answer.headers.push_back({"Retry-After", "2"});
  return answer;
}

class exposition {
public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  template <class T>
  void sample(std::string_view name, T value) {
    text_ += fmt::format("{} {}\n", name, value);
  }
  template <class T>
  void sample(std::string_view name, std::string_view labels, T value) {
    text_ += fmt::format("{}{{{}}} {}\n", name, labels, value);
  }
  template <class T>
  void one(std::string_view name, std::string_view type, std::string_view help, T value) {
    family(name, type, help);
    sample(name, value);
  }
  std::string take() { return std::move(text_); }

private:
  std::string text_;
};

void mail_metrics(exposition& out, const mail_figures& mail, bool delivering) {
  out.family("lyceum_mails", "gauge",
             "Mails of the outbox by template and state; what is older than 30 days is forgotten.");
  for (const auto& one : mail.mails)
    out.sample("lyceum_mails", fmt::format("template=\"{}\",state=\"{}\"", one.template_name, to_string(one.state)),
               one.mails);
  out.one("lyceum_mail_oldest_waiting_seconds", "gauge", "How long a mail that could be sent has waited; 0: none does.",
          mail.oldest_waiting_s);
  out.one("lyceum_mail_delivering", "gauge", "1 while a mail that is put is sent soon.", delivering ? 1 : 0);
  out.family("lyceum_mail_deliveries_total", "counter", "Tries to deliver by how they ended.");
  for (std::size_t i = 0; i < mail.ended.size(); ++i)
    out.sample("lyceum_mail_deliveries_total",
               fmt::format("result=\"{}\"", to_string(static_cast<delivery::result>(i))), mail.ended[i]);
  constexpr std::string_view seconds = "lyceum_mail_delivery_duration_seconds";
  out.family(seconds, "histogram", "Time of the tries to deliver.");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < mail_figures::bounds_s.size(); ++i) {
    sum += mail.took[i];
    out.sample(fmt::format("{}_bucket", seconds), fmt::format("le=\"{}\"", mail_figures::bounds_s[i]), sum);
  }
  sum += mail.took.back();
  out.sample(fmt::format("{}_bucket", seconds), "le=\"+Inf\"", sum);
  out.sample(fmt::format("{}_sum", seconds), mail.took_sum_s);
  out.sample(fmt::format("{}_count", seconds), sum);
}

void clock_metrics(exposition& out, const std::vector<site_state::task>& tasks) {
  const auto label = [](const auto& of) { return fmt::format("task=\"{}\"", of.name); };
  out.family("lyceum_clock_runs_total", "counter", "Runs of what the clock does now and then, by task.");
  for (const auto& one : tasks)
    out.sample("lyceum_clock_runs_total", label(one), one.runs);
  out.family("lyceum_clock_failures_total", "counter", "Those of them that failed.");
  for (const auto& one : tasks)
    out.sample("lyceum_clock_failures_total", label(one), one.failures);
  out.family("lyceum_clock_seconds_total", "counter", "Time that they took.");
  for (const auto& one : tasks)
    out.sample("lyceum_clock_seconds_total", label(one), static_cast<double>(one.took.count()) / 1e6);
}

std::string metrics(const site_state& now, const front_stats& traffic) {
  exposition out;
  out.family("lyceum_http_responses_total", "counter", "Answers by class of status.");
  for (std::size_t i = 1; i < traffic.by_class.size(); ++i)
    out.sample("lyceum_http_responses_total", fmt::format("class=\"{}xx\"", i), traffic.by_class[i]);
  out.one("lyceum_http_requests_total", "counter", "Requests admitted.", traffic.requests);
  out.one("lyceum_http_malformed_total", "counter", "Requests refused by admission.", traffic.malformed);
  out.one("lyceum_http_sent_bytes_total", "counter", "Bytes written to visitors.", traffic.bytes_sent);
  out.one("lyceum_http_connections_total", "counter", "Connections accepted.", traffic.accepted);
  out.one("lyceum_http_connections", "gauge", "Connections open now.", traffic.open);
  out.one("lyceum_http_late_total", "counter", "Answers that missed the deadline of a request.", traffic.late);
  out.one("lyceum_http_faults_total", "counter", "Exceptions that ended a connection.", traffic.faults);
  out.one("lyceum_access_log_dropped_total", "counter", "Access log lines that found no room.", traffic.log_dropped);
  out.family("lyceum_cache_lookups_total", "counter", "Look-ups in the page table by outcome.");
  out.sample("lyceum_cache_lookups_total", "outcome=\"hit\"", traffic.hits);
  out.sample("lyceum_cache_lookups_total", "outcome=\"miss\"", traffic.misses);
  out.sample("lyceum_cache_lookups_total", "outcome=\"stale\"", traffic.stale);
  out.one("lyceum_cache_pages", "gauge", "Pages in the page table.", now.pages);
  out.one("lyceum_cache_bytes", "gauge", "Bytes that they cost.", now.page_bytes);
  out.one("lyceum_cache_limit_bytes", "gauge", "Bytes that they may cost.", now.pages_max_bytes);

  constexpr std::string_view seconds = "lyceum_http_request_duration_seconds";
  out.family(seconds, "histogram", "Time of the requests that were not hits.");
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < front_stats::latency_bounds_us.size(); ++i) {
    sum += traffic.latency[i];
    out.sample(fmt::format("{}_bucket", seconds),
               fmt::format("le=\"{}\"", static_cast<double>(front_stats::latency_bounds_us[i]) / 1e6), sum);
  }
  sum += traffic.latency.back();
  out.sample(fmt::format("{}_bucket", seconds), "le=\"+Inf\"", sum);
  out.sample(fmt::format("{}_sum", seconds), static_cast<double>(traffic.latency_sum_us) / 1e6);
  out.sample(fmt::format("{}_count", seconds), sum);

  out.one("lyceum_sessions", "gauge", "Requests that are being handled.", now.sessions);
  out.one("lyceum_sessions_total", "counter",
          "Requests that were handled: kept pages, and visitors who share an answer, are none.", now.sessions_begun);
  out.one("lyceum_crashes_total", "counter", "Crash reports since start.", now.crashes);
  out.one("lyceum_demoted_threads_total", "counter", "Threads of given up lives that got the lowest priority.",
          now.demoted);
  out.one("lyceum_quarantined", "gauge", "Messages and texts that are refused because they crashed their reader.",
          now.quarantined);
  out.one("lyceum_database_up", "gauge", "1 while the database answers.", now.database ? 1 : 0);
  out.one("lyceum_uptime_seconds", "gauge", "Since the tree was started.",
          static_cast<double>(now.uptime.count()) / 1e3);
  out.one("process_resident_memory_bytes", "gauge", "Resident memory.", now.resident_bytes);
  out.one("process_open_fds", "gauge", "Open file descriptors.", now.open_files);
  out.one("process_cpu_seconds_total", "counter", "CPU time, user and system.", static_cast<double>(now.cpu_ms) / 1e3);
  mail_metrics(out, now.mail, now.mail_delivering);
  clock_metrics(out, now.tasks);
  out.family("lyceum_child_up", "gauge", "1 while a child of the tree runs.");
  for (const auto& part : now.parts)
    out.sample("lyceum_child_up", fmt::format("path=\"{}\"", part.path), part.state == "running" ? 1 : 0);
  out.family("lyceum_child_generation", "gauge", "How often a child has been started.");
  for (const auto& part : now.parts)
    out.sample("lyceum_child_generation", fmt::format("path=\"{}\"", part.path), part.generation);
  out.family("lyceum_child_mailbox_messages", "gauge", "Messages that wait for a child.");
  for (const auto& part : now.parts)
    out.sample("lyceum_child_mailbox_messages", fmt::format("path=\"{}\"", part.path), part.mailbox);
  out.family("lyceum_child_messages_total", "counter", "Messages that a child has handled, in all its lives.");
  for (const auto& part : now.parts)
    out.sample("lyceum_child_messages_total", fmt::format("path=\"{}\"", part.path), part.handled);
  out.family("lyceum_child_cpu_seconds_total", "counter", "CPU time of a child, in all its lives.");
  for (const auto& part : now.parts)
    out.sample("lyceum_child_cpu_seconds_total", fmt::format("path=\"{}\"", part.path),
               static_cast<double>(part.cpu.count()) / 1e3);
  out.family("lyceum_child_abandoned", "gauge", "Lives of a child that were given up and still run.");
  for (const auto& part : now.parts)
    out.sample("lyceum_child_abandoned", fmt::format("path=\"{}\"", part.path), part.abandoned);
  return out.take();
}

} // namespace

std::vector<io_route> status_routes(std::function<site_state()> state, std::function<front_stats()> traffic) {
  const auto alive = [](const request&) { return plain(200, "ok\n"); };
  return {
      {"/livez", alive},
      {"/healthz", alive},
      {"/readyz", [state](const request& asked) { return ready(state(), asked); }},
      {"/metrics",
       [state, traffic](const request& asked) {
         if (!asked.local)
           return answer_for(problem{problem::kind::not_found, {}});
         auto answer = plain(200, metrics(state(), traffic()));
         answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
         return answer;
       }},
  };
}

} // namespace lyceum::http
