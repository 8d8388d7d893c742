// SPDX-License-Identifier: Apache-2.0
#include "ops/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace lyceum;
using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

namespace {

class config_test : public testing::Test {
protected:
  config_test() {
    std::string name = testing::TempDir() + "lyceum-config.XXXXXX";
    folder = mkdtemp(name.data());
    flag("data", folder.string());
  }
  ~config_test() override { fs::remove_all(folder); }

  void file(std::string_view text) { std::ofstream(folder / "lyceum.toml") << text; }
  void flag(std::string key, std::string value) { flags.push_back({key, {std::move(value)}, "--" + key}); }

  /// The only one for its key: a wrong value that was given before would be refused first.
  void only(const std::string& key, std::string value) {
    std::erase_if(flags, [&](const setting& one) { return one.key == key; });
    flag(key, std::move(value));
  }

  config loaded() {
    auto cfg = load_config(flags, environment);
    if (!cfg)
      ADD_FAILURE() << cfg.error().detail;
    return cfg.value_or(config{});
  }
  std::string refused() {
    auto cfg = load_config(flags, environment);
    return cfg ? "it was accepted" : cfg.error().detail;
  }

  fs::path folder;
  config_flags flags;
  environment_map environment;
};

TEST_F(config_test, a_security_contact_is_a_uri_on_one_line) {
  flag("security_contact", "mailto:security@school.example");
  EXPECT_EQ(loaded().security_contact, "mailto:security@school.example");
  for (const char* wrong : {"security@school.example", "javascript:alert(1)", "mailto:a\nExpires: never", ""}) {
    flag("security_contact", wrong);
    EXPECT_THAT(refused(), HasSubstr("mailto:")) << wrong;
  }
}

TEST_F(config_test, the_mail_host_is_a_url_whose_scheme_says_how_it_is_encrypted) {
  only("mail_from", "School <school@school.example>");
  using encryption = mail_config::encryption;
  only("smtp_url", "smtp://ann%40school:se%2Fsame@smtp.example:2525");
  auto mail = loaded().mail;
  EXPECT_EQ(mail.host, "smtp.example");
  EXPECT_EQ(mail.port, 2525);
  EXPECT_EQ(mail.how, encryption::start_tls);
  EXPECT_EQ(mail.user, "ann@school");
  EXPECT_EQ(mail.password.reveal(), "se/same");
  EXPECT_EQ(mail.from_name, "School");
  EXPECT_EQ(mail.from_address, "school@school.example");
  only("smtp_url", "smtps://smtp.example");
  mail = loaded().mail;
  EXPECT_EQ(mail.port, 465);
  EXPECT_EQ(mail.how, encryption::implicit);
  EXPECT_EQ(mail.user, "") << "nothing is left of the weaker setting";
  only("smtp_url", "smtp://127.0.0.1:1025/");
  EXPECT_EQ(loaded().mail.how, encryption::none);
  only("smtp_url", "smtp://[::1]:1025");
  EXPECT_EQ(loaded().mail.host, "::1");
  only("smtp_url", "smtp://127.0.0.1.example");
  EXPECT_EQ(loaded().mail.how, encryption::start_tls) << "a name that only looks like this machine";
}

TEST_F(config_test, a_mail_host_that_cannot_be_is_refused_without_its_password) {
  only("mail_from", "school@school.example");
  for (const char* wrong :
       {"", "smtp.example", "http://smtp.example", "smtp://", "smtp://ann:sesame@", "smtp://ann@smtp.example",
        "smtp://ann:sesame@smtp.example:0", "smtp://ann:sesame@smtp.example:99999", "smtp://ann:ses%0aame@smtp.example",
        "smtp://ann:sesame%4@smtp.example", "smtp://ann:sesame@smtp.example/path", "smtp://ann:sesame@-x",
        "smtp://ann:sesame@[1]:25", "smtp://ann:sesame@b@smtp.example"}) {
    only("smtp_url", wrong);
    EXPECT_THAT(refused(), HasSubstr("smtp_url")) << wrong;
    EXPECT_THAT(refused(), Not(HasSubstr("sesame"))) << wrong;
  }
}

TEST_F(config_test, the_usual_name_of_the_mail_host_gives_way_to_our_own) {
  environment["LYCEUM_MAIL_FROM"] = "school@school.example";
  environment["SMTP_URL"] = "smtp://usual.example";
  EXPECT_EQ(loaded().mail.host, "usual.example");
  environment["LYCEUM_SMTP_URL"] = "smtp://own.example";
  EXPECT_EQ(loaded().mail.host, "own.example");
}

TEST_F(config_test, a_mail_host_needs_a_sender_whose_address_can_be) {
  only("smtp_url", "smtp://smtp.example");
  EXPECT_THAT(refused(), HasSubstr("mail_from is not set"));
  for (const char* wrong :
       {"School", "School <school>", "Sch\nool <s@school.example>", "<s@school.example", "a b@school.example"}) {
    only("mail_from", wrong);
    EXPECT_THAT(refused(), HasSubstr("mail_from is a name and an address")) << wrong;
  }
  only("mail_from", "\"School, of Elixir\" <s@school.example>");
  EXPECT_EQ(loaded().mail.from_name, "School, of Elixir");
}

TEST_F(config_test, alerts_go_to_an_https_url_or_to_this_machine) {
  for (const char* wrong : {"http://hooks.example/x", "hooks.example", "https://", "https://a b", "ftp://x",
                            "http://127.0.0.1.example/", "https://hooks.example/\n"}) {
    only("alert_webhook", wrong);
    EXPECT_THAT(refused(), HasSubstr("alert_webhook is an https:// URL")) << wrong;
  }
  only("alert_webhook", "https://hooks.example/services/T0/x?y=1");
  EXPECT_EQ(loaded().mail.alert_webhook.reveal(), "https://hooks.example/services/T0/x?y=1");
  only("alert_webhook", "http://127.0.0.1:8000/hook");
  EXPECT_FALSE(loaded().mail.alert_webhook.empty());
  only("mail_late", "30s");
  EXPECT_THAT(refused(), HasSubstr("mail_late is a time of at least a minute"));
}

TEST_F(config_test, operators_are_written_to_at_one_address) {
  for (const char* wrong : {"operators", "a@x, b@x", "A <a@x.example>", "a@x.example\n"}) {
    only("alert_address", wrong);
    EXPECT_THAT(refused(), HasSubstr("alert_address is an address")) << wrong;
  }
  only("alert_address", "operators@school.example");
  EXPECT_EQ(loaded().mail.alert_address, "operators@school.example");
}

TEST_F(config_test, bounces_are_heard_from_a_topic_that_is_named_by_its_arn) {
  for (const char* wrong : {"bounces", "arn:aws:sns:eu-central-1:123456789012", "arn:aws:sns:eu:1:x:subscription",
                            "arn:gcp:sns:eu:1:x", "arn:aws:sns:eu:1:a b", "https://sns.example/x"}) {
    only("mail_sns_topic", wrong);
    EXPECT_THAT(refused(), HasSubstr("mail_sns_topic is the ARN")) << wrong;
  }
  only("mail_sns_topic", "arn:aws:sns:eu-central-1:123456789012:bounces");
  EXPECT_EQ(loaded().mail.sns_topic, "arn:aws:sns:eu-central-1:123456789012:bounces");
}

TEST_F(config_test, the_base_url_that_nobody_states_is_the_address_as_bound) {
  EXPECT_EQ(default_base_url("127.0.0.1:8080"), "http://127.0.0.1:8080");
  EXPECT_EQ(default_base_url("[::1]:8080"), "http://[::1]:8080");
  EXPECT_EQ(default_base_url("192.0.2.7:80"), "http://192.0.2.7");
  EXPECT_EQ(default_base_url("0.0.0.0:8080"), "http://localhost:8080");
  EXPECT_EQ(default_base_url("[::]:80"), "http://localhost");
}

} // namespace

TEST_F(config_test, nothing_said_gives_the_documented_defaults) {
  auto cfg = loaded();
  EXPECT_EQ(cfg.listen, (std::vector<heart::address>{{"127.0.0.1", 8080}}));
  EXPECT_EQ(cfg.database.kind, database_config::engine::sqlite);
  EXPECT_EQ(cfg.database.file, folder / "lyceum.db");
  EXPECT_EQ(cfg.control, folder / "control.sock");
  EXPECT_EQ(cfg.control_group, "");
  EXPECT_EQ(cfg.access_log, (folder / "log/access.jsonl").string());
  EXPECT_EQ(cfg.page_cache_bytes_max, 256u << 20);
  EXPECT_EQ(cfg.limits.address_connections_max, 256u);
  EXPECT_EQ(cfg.limits.request_timeout, 4s);
  EXPECT_EQ(cfg.limits.body_timeout, 60s);
  EXPECT_EQ(cfg.limits.body_rate_min, 500u);
  EXPECT_EQ(cfg.limits.write_timeout, 30s);
  EXPECT_GE(cfg.threads, 1u);
  EXPECT_FALSE(cfg.file);
  EXPECT_FALSE(cfg.content);
}

TEST(config_default_test, the_data_folder_is_beside_the_working_folder) {
  auto cfg = load_config({}, {});
  ASSERT_TRUE(cfg);
  EXPECT_EQ(cfg->data, fs::current_path() / "lyceum-data");
}

TEST_F(config_test, a_flag_beats_the_environment_which_beats_the_file) {
  file("threads = 2\nrenderers = 3\nlog_level = \"warn\"\n");
  environment = {{"LYCEUM_THREADS", "4"}, {"LYCEUM_RENDERERS", "5"}};
  flag("threads", "6");
  auto cfg = loaded();
  EXPECT_EQ(cfg.threads, 6u);
  EXPECT_EQ(cfg.renderers, 5u);
  EXPECT_EQ(cfg.log_level, log_level::warn);
  EXPECT_EQ(cfg.file, folder / "lyceum.toml");
}

TEST_F(config_test, every_kind_of_value_can_stand_in_the_file) {
  file("listen = [\"127.0.0.1:0\", \"[::1]:443\"]\npage_cache_bytes_max = \"64 MiB\"\nheader_timeout = \"500ms\"\n"
       "no_heart = true\ncontrol_group = \"staff\"\nbody_bytes_max = 2048\ntheme = \"theme\"\ndatabase = "
       "\"sqlite:rows.db\"\nbase_url = "
       "\"https://s.example/\"\n");
  auto cfg = loaded();
  EXPECT_EQ(cfg.listen, (std::vector<heart::address>{{"127.0.0.1", 0}, {"::1", 443}}));
  EXPECT_EQ(cfg.page_cache_bytes_max, 64u << 20);
  EXPECT_EQ(cfg.limits.header_timeout, 500ms);
  EXPECT_TRUE(cfg.no_heart);
  EXPECT_EQ(cfg.control_group, "staff");
  EXPECT_EQ(cfg.limits.body_bytes_max, 2048u);
  EXPECT_EQ(cfg.theme, folder / "theme") << "relative to the file that names it";
  EXPECT_EQ(cfg.database.file, folder / "rows.db");
  EXPECT_EQ(cfg.base_url, "https://s.example");
}

TEST_F(config_test, an_unknown_key_names_file_line_and_the_nearest_one) {
  file("threads = 2\n\nlisen = \"127.0.0.1:80\"\n");
  EXPECT_THAT(refused(), HasSubstr("lyceum.toml:3: there is no key 'lisen'; did you mean 'listen'?"));
}

TEST_F(config_test, a_table_is_an_unknown_key) {
  file("[server]\nlisten = \"127.0.0.1:80\"\n");
  EXPECT_THAT(refused(), HasSubstr("lyceum.toml:1: there is no key 'server'"));
}

TEST_F(config_test, broken_toml_names_file_and_line) {
  file("threads = 2\nrenderers = = 3\n");
  EXPECT_THAT(refused(), HasSubstr("lyceum.toml:2: "));
}

TEST_F(config_test, a_wrong_value_names_where_it_stands_and_the_rule) {
  struct wrong {
    std::string line;
    std::string message;
  };
  for (const auto& [line, message] : std::vector<wrong>{
           {"threads = -1", ":1: threads is a whole number from 0 to 256"},
           {"threads = 1.5", ":1: threads is a text, a whole number or true/false"},
           {"watch = \"perhaps\"", ":1: watch is true or false"},
           {"page_cache_bytes_max = \"9 parsecs\"", ":1: page_cache_bytes_max is a size"},
           {"page_cache_bytes_max = 1", "at least 1048576 bytes"},
           {"page_cache_bytes_max = \"999999999999 GiB\"", "page_cache_bytes_max is a size"},
           {"idle_timeout = 30", ":1: idle_timeout is a time"},
           {"idle_timeout = \"0s\"", ":1: idle_timeout is a time"},
           {"listen = \"school.example:80\"", "not a numeric address"},
           {"listen = \"::1:80\"", "stands in brackets"},
           {"listen = \"127.0.0.1:65536\"", "up to 65535"},
           {"listen = []", "listen is empty"},
           {"listen = [\"127.0.0.1:80\", \"127.0.0.1:80\"]", "twice"},
           {"base_url = \"school.example\"", "is a scheme and a host"},
           {"base_url = \"https://school.example/path\"", "without a path"},
           {"log_level = \"loud\"", "is debug, info, warn or error"},
           {"data = \"elsewhere\"", "data cannot stand in the file that was found in the data folder"},
       }) {
    file(line + "\n");
    EXPECT_THAT(refused(), HasSubstr(message)) << line;
  }
}

TEST_F(config_test, a_wrong_flag_is_named_as_it_was_typed) {
  flags.push_back({"threads", {"many"}, "--threads"});
  EXPECT_THAT(refused(), HasSubstr("--threads: threads is a whole number"));
}

TEST_F(config_test, the_usual_variables_have_their_usual_names) {
  environment = {{"DATABASE_URL", "postgres://u:hush@db/school"}, {"PORT", "9000"}};
  auto cfg = loaded();
  EXPECT_EQ(cfg.database.kind, database_config::engine::postgresql);
  EXPECT_EQ(cfg.database.url.reveal(), "postgres://u:hush@db/school");
  EXPECT_EQ(cfg.listen, (std::vector<heart::address>{{"127.0.0.1", 9000}}));
  environment["LYCEUM_DATABASE"] = "sqlite:other.db";
  environment["LYCEUM_LISTEN"] = "0.0.0.0:80, [::]:80";
  cfg = loaded();
  EXPECT_EQ(cfg.database.kind, database_config::engine::sqlite);
  EXPECT_EQ(cfg.listen, (std::vector<heart::address>{{"0.0.0.0", 80}, {"::", 80}}));
}

TEST_F(config_test, port_moves_the_address_of_the_file) {
  file("listen = \"[::1]:1\"\n");
  environment = {{"PORT", "9000"}};
  EXPECT_EQ(loaded().listen, (std::vector<heart::address>{{"::1", 9000}}));
  environment = {{"PORT", "http"}};
  EXPECT_THAT(refused(), HasSubstr("PORT"));
}

TEST_F(config_test, a_variable_set_to_nothing_is_not_set) {
  environment = {{"LYCEUM_THREADS", ""}, {"PORT", ""}, {"DATABASE_URL", ""}};
  EXPECT_EQ(loaded().database.kind, database_config::engine::sqlite);
}

TEST_F(config_test, an_unknown_variable_is_told_but_harms_nothing) {
  environment = {{"LYCEUM_THEMES", "x"}, {"LYCEUM_TEST_POSTGRES", "x"}, {"LYCEUM_FAULTS", "1"}};
  EXPECT_THAT(loaded().warnings,
              testing::ElementsAre(HasSubstr("LYCEUM_THEMES: there is no key 'themes'; did you mean 'theme'?")));
}

TEST_F(config_test, a_file_that_was_asked_for_must_be_there) {
  flag("config", (folder / "none.toml").string());
  EXPECT_THAT(refused(), HasSubstr("there is no file"));
}

TEST_F(config_test, a_named_file_may_say_where_data_lives_and_a_flag_still_wins) {
  std::ofstream(folder / "school.toml") << "data = \"rows\"\n";
  flags.clear();
  flag("config", (folder / "school.toml").string());
  EXPECT_EQ(loaded().data, folder / "rows");
  EXPECT_EQ(loaded().control, folder / "rows/control.sock");
  flag("data", (folder / "other").string());
  EXPECT_EQ(loaded().data, folder / "other");
}

TEST_F(config_test, a_secret_never_shows) {
  environment = {{"DATABASE_URL", "postgres://u:hush@db/school"}};
  std::ostringstream out;
  out << loaded().database.url;
  EXPECT_EQ(out.str(), "(secret)");
  environment = {{"DATABASE_URL", "mysql://u:hush@db/school"}};
  EXPECT_THAT(refused(), Not(HasSubstr("hush")));
  EXPECT_THAT(refused(), HasSubstr("DATABASE_URL: database is postgresql://"));
}

TEST_F(config_test, a_control_path_of_108_bytes_is_refused_with_advice) {
  flag("control", "/" + std::string(106, 'c'));
  EXPECT_EQ(loaded().control.native().size(), 107u);
  flag("control", "/" + std::string(107, 'c'));
  EXPECT_THAT(refused(), HasSubstr("--control"));
}
