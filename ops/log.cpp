// SPDX-License-Identifier: Apache-2.0
#include "ops/log.hpp"

#include "supervision/crash_log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include <unistd.h>

namespace lyceum {

site_log make_log(const config& cfg) {
  auto logger = std::make_shared<spdlog::logger>("lyceum", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const bool json =
      cfg.log_format == log_format::json || (cfg.log_format == log_format::automatic && isatty(STDERR_FILENO) == 0);
  logger->set_pattern(json ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","event":%v})" : "%H:%M:%S  %v",
                      json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
  logger->flush_on(spdlog::level::trace);
  if (cfg.log_level == log_level::error)
    logger->set_level(spdlog::level::err);
  else if (cfg.log_level == log_level::warn)
    logger->set_level(spdlog::level::warn);
  const auto at = [logger, json](spdlog::level::level_enum level) {
    return [logger, json, level](const std::string& what) {
      logger->log(level, "{}", json ? supervision::json_string(what) : what);
    };
  };
  return {at(spdlog::level::info), at(spdlog::level::warn), at(spdlog::level::err)};
}

} // namespace lyceum
