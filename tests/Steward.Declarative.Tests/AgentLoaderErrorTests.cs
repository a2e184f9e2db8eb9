using Steward.Declarative.Sections;

namespace Steward.Declarative.Tests;

public sealed class AgentLoaderErrorTests
{
    private const string Head = "name: a\nscript: script.yaml\n";
    private const string Paying = "databases: { d: { sqlite: d.db, seed: seed.sql } }\ntools:\n  - { name: pay, description: Pays., parameters: { amount: integer }, sql: { database: d, statement: 'SELECT @amount' } }\n";
    private const string Db = Head + "databases: { d: { sqlite: d.db, seed: seed.sql } }\n";
    private const string Tool = Db + "tools:\n  - name: t\n    description: It looks.\n";

    public static TheoryData<string, int, int, string[]> Cases => new()
    {
        // The file as a whole.
        { "", 1, 1, ["The file is empty", "'name' and 'models' or 'script'"] },
        { "- a\n", 1, 1, ["An agent is a map", "not a list"] },
        { "name: a\n---\nname: b\n", 1, 1, ["has 2 YAML documents", "keep one"] },
        { "name: a\n\tversion: 1\n", 1, 7, ["not YAML", "spaces"] },
        { "name: [a\n", 2, 1, ["not YAML"] },
        { Head + "tools:\n  - name: t\n    http: { url: x,\n  l1: y }\n", 6, 3, ["not YAML from here on", "indentation"] },
        { "name: " + new string('[', 1_000) + "\n", 1, 70, ["nested more than 64 levels"] },
        { "name: a\nname: b\n", 2, 1, ["stands twice", "Keep one"] },
        { "version: 1\nscript: script.yaml\n", 1, 1, ["lacks 'name'"] },
        // Keys and types.
        { Head + "modles: {}\n", 3, 1, ["'modles' is not a key of an agent", "Did you mean 'models'"] },
        { Head + "zzzzzzzzzz: {}\n", 3, 1, ["Write one of: name, version"] },
        { "name: my agent\nscript: script.yaml\n", 1, 7, ["'my agent' cannot be an agent's name", "1 to 64 letters"] },
        { Head + "description: 7\n", 3, 14, ["'7' is read as a number", "quotes"] },
        { Head + "description: [x]\n", 3, 14, ["A text is expected here, not a list"] },
        { Head + "version: true\n", 3, 10, ["A text is expected here"] },
        { Head + "example: ''\n", 3, 10, ["The example is empty"] },
        { Head + "instructions: x\ninstructions_file: y.md\n", 4, 20, ["Keep one"] },
        { Head + "instructions_file: gone.md\n", 3, 20, ["The file 'gone.md' does not exist", "Paths start at the folder"] },
        // Models.
        { "name: a\n", 1, 1, ["The agent has no model", "script: script.yaml"] },
        { "name: a\nmodels: { executor: anthropic/claude-x }\n", 2, 9, ["'ANTHROPIC_API_KEY' is not set", "Set it, or add 'script: script.yaml'"] },
        { "name: a\nmodels: { executor: [anthropic/claude-x, openai/gpt-x] }\n", 2, 9, ["'ANTHROPIC_API_KEY' and 'OPENAI_API_KEY' are not set", "Set one of them"] },
        { Head + "models: { planner: openai/gpt-5 }\n", 3, 9, ["lacks 'executor'"] },
        { Head + "models: { worker: openai/gpt-5 }\n", 3, 11, ["'worker' is not a key of 'models'"] },
        { Head + "models: { executor: claude }\n", 3, 21, ["'claude' is not a model", "PROVIDER/MODEL"] },
        { Head + "models: { executor: antropic/claude }\n", 3, 21, ["There is no provider 'antropic'", "Did you mean 'anthropic'"] },
        { Head + "models: { executor: [] }\n", 3, 21, ["has no model"] },
        { Head + "models:\n  executor:\n    - { provider: openai }\n", 5, 7, ["A model lacks 'model'"] },
        { Head + "models:\n  executor:\n    - { provider: openai, model: m, timeout: 30 }\n", 5, 46, ["'30' is not a time", "30s"] },
        { Head + "models:\n  executor:\n    - { provider: openai, model: m, timeout: 5w }\n", 5, 46, ["'5w' is not a time"] },
        { Head + "models:\n  executor:\n    - { provider: openai, model: m, timeout: 3d }\n", 5, 46, ["'3d' is out of range", "at most 1d"] },
        { Head + "models:\n  executor:\n    - { provider: openai, model: m, temperature: 3 }\n", 5, 50, ["not a temperature"] },
        { Head + "models:\n  executor:\n    - { provider: openai, model: m, stream: yes }\n", 5, 45, ["'yes' is neither true nor false"] },
        { Head + "models:\n  executor:\n    - { provider: openai, model: m, max_output: \"100\" }\n", 5, 49, ["'100' is not a whole number from 1"] },
        { Head + "providers: { mine: { base_url: http://x/v1/ } }\n", 3, 20, ["The provider 'mine' lacks 'kind'", "anthropic, openai, scripted"] },
        { Head + "providers: { mine: { kind: opnai } }\n", 3, 28, ["'opnai' is not a kind of provider", "Did you mean 'openai'"] },
        { Head + "providers: { openai: { api_key: sk-123 } }\n", 3, 33, ["A secret may not stand in the file", "${env:NAME}"] },
        { Head + "providers: { openai: { headers: { Authorization: Bearer x } } }\n", 3, 50, ["A secret may not stand in the file"] },
        { Head + "providers: { openai: { base_url: 'localhost:80' } }\n", 3, 34, ["'localhost:80' is not the URL of an API"] },
        { Head + "providers: { openai: { api_key: '${NAME}', base_url: 'http://x/' } }\n", 3, 33, ["A secret may not stand"] },
        { Head + "providers: { openai: { base_url: 'http://${HOST}/' } }\n", 3, 34, ["is no placeholder", "${env:NAME}"] },
        { Head + "prices: { gpt: { input: 1, output: 1 } }\n", 3, 11, ["'gpt' is not a model"] },
        { Head + "prices: { openai/gpt: { input: 1 } }\n", 3, 23, ["lacks 'output'"] },
        { Head + "prices: { openai/gpt: { input: -1, output: 1 } }\n", 3, 32, ["'-1' is not an amount of US dollars"] },
        { "name: a\nscript: gone.yaml\n", 2, 9, ["The file 'gone.yaml' does not exist"] },
        // Built-in tools, other agents, approvals, planning.
        { Head + "built_ins: [ask_usr]\n", 3, 13, ["'ask_usr' is not a built-in tool", "Did you mean 'ask_user'"] },
        { Head + "built_ins: [ask_user, ask_user]\n", 3, 23, ["There is a tool 'ask_user' already"] },
        { Head + "agents: [{ name: clerk }]\n", 3, 10, ["lacks 'agent'", "folder of the other agent"] },
        { Head + "agents: [{ agent: gone }]\n", 3, 19, ["There is no agent at 'gone'", "paths start at the folder"] },
        { Head + "agents: [{ agent: . }]\n", 3, 19, ["call each other in a circle"] },
        { Head + "agents: [{ agent: mute }]\n", 3, 10, ["Say what 'mute' does", "'description'"] },
        { Head + "agents: [{ agent: mute, description: x, name: a b }]\n", 3, 47, ["'a b' cannot be a tool's name"] },
        { Head + "agents: [{ agent: mute, description: x }, { agent: mute, description: y }]\n", 3, 52, ["There is a tool 'mute' already"] },
        { Head + "agents: [{ agent: same, description: x }]\n", 3, 19, ["The scripts of the agent 'same' and of this file are both called 'script'", "'name:' at its top"] },
        { Head + "agents: [{ agent: twin, description: x, name: other }]\n", 3, 9, ["One of the other agents is called 'a'"] },
        { Head + "approvals: [{ tools: t }]\n", 3, 13, ["An approval policy lacks 'name'"] },
        { Head + "approvals: [{ name: p, tools: refund }]\n", 3, 31, ["names the tool 'refund', and there is none of that name, so it would guard nothing"] },
        { Head + Paying + "approvals: [{ name: p, tools: [pay, pya] }]\n", 6, 37, ["names the tool 'pya'", "Did you mean 'pay'?"] },
        { Head + Paying + "approvals: [{ name: p, tools: pay, when: { required: [ammount] } }]\n", 6, 42, ["is about 'ammount'", "Did you mean 'amount'?"] },
        { Head + Paying + "approvals: [{ name: p, tools: pay, destructive: true }]\n", 6, 13, ["names 'pay', but no such tool has the effect"] },
        { Head + Paying.Replace("pay", "read_result", StringComparison.Ordinal), 5, 13, ["The tool name 'read_result' is reserved"] },
        { Head + "agents: [{ agent: mute, description: x, name: read_result }]\n", 3, 47, ["The tool name 'read_result' is reserved"] },
        { Head + "built_ins: [hand_off]\napprovals: [{ name: p, tools: ['hand_of'] }]\n", 4, 32, ["Did you mean 'hand_off'"] },
        { Head + "approvals: [{ name: p }, { name: p }]\n", 3, 34, ["There is an approval policy 'p' already"] },
        { Head + "approvals: [{ name: p, effects: [safe] }]\n", 3, 34, ["'safe' is not an effect"] },
        { Head + "approvals: [{ name: p, default: ask }]\n", 3, 33, ["what can happen when nobody decides", "deny, approve, stop"] },
        { Head + "approvals: [{ name: p, expires_after: 0s }]\n", 3, 39, ["out of range", "at least 1s"] },
        { Head + "approvals: [{ name: p, approvers: 2, assignee: ana }]\n", 3, 35, ["only 'ana' may decide"] },
        { Head + "approvals: [{ name: p, required: false, roles: [x] }]\n", 3, 48, ["without asking anybody, so 'roles' says nothing"] },
        { Head + "approvals: [{ name: p, when: { type: amount } }]\n", 3, 30, ["not a valid JSON Schema"] },
        { Head + "approvals: [{ name: p, when: amount > 5 }]\n", 3, 30, ["'when' is a map"] },
        { Head + "approvals: [{ name: p, cost-above: 5 }]\n", 3, 24, ["Did you mean 'cost_above'"] },
        { Head + "planning: { mode: sometimes }\n", 3, 19, ["'sometimes' is not a mode of planning", "always, auto"] },
        { Head + "planning: { max_rounds: 0 }\n", 3, 25, ["from 1 to 1000"] },
        { Head + "planning: { approve_above_cost: true }\n", 3, 33, ["or false for never"] },
        { Head + "planning: { approve_above_cost: -1 }\n", 3, 33, ["below 0"] },
        { Head + "validators: [{ judge: '' }]\n", 3, 23, ["The rubric is empty"] },
        { Head + "validators: [{ judge: {} }]\n", 3, 23, ["lacks 'rubric'"] },
        // Databases.
        { Head + "databases: { d: { } }\n", 3, 17, ["has none of 'sqlite', 'postgres'"] },
        { Head + "databases: { d: { sqlite: gone.db } }\n", 3, 27, ["The database 'gone.db' does not exist", "seed: seed.sql"] },
        { Head + "databases: { d: { sqlite: x.db, seed: bad.sql } }\n", 3, 39, ["The seed 'bad.sql' failed, and no database was made", "syntax error"] },
        { Head + "databases: { d: { postgres: '${env:PG}' } }\n", 3, 29, ["The environment variable 'PG' is not set"] },
        { Head + "databases: { d: { postgres: 'Host=h;Password=p' } }\n", 3, 29, ["A secret may not stand in the file"] },
        { Head + "databases: { d: { postgres: 'Host=h', seed: seed.sql } }\n", 3, 45, ["Only a SQLite database has a seed"] },
        // Tools.
        { Db + "tools: { t: x }\n", 4, 8, ["'tools' is a list"] },
        { Db + "tools:\n  - name: t\n", 5, 5, ["lacks 'description'"] },
        { Tool + "    sqll: x\n", 7, 5, ["'sqll' is not a key of a tool", "Did you mean 'sql'"] },
        { Tool, 5, 5, ["has none of 'sql', 'http'"] },
        { Tool + "    effect: readonly\n    sql: { statement: SELECT 1 }\n", 7, 13, ["'readonly' is not an effect", "Did you mean 'read_only'"] },
        { Tool + "    sql: { statement: SELECT @x }\n", 7, 10, ["uses '@x', which is not declared"] },
        { Tool + "    sql: { statement: DELETE FROM x }\n", 7, 10, ["starts with 'DELETE'"] },
        { Tool + "    sql: { statement: SELECT 1; SELECT 2 }\n", 7, 10, ["one SQL statement"] },
        { Tool + "    sql: { statement: SELECT 1, database: e }\n", 7, 43, ["'e' is not one of the databases", "Write one of: d"] },
        { Tool + "    parameters: { x: strin }\n    sql: { statement: SELECT @x }\n", 7, 22, ["'strin' is not a type", "Did you mean 'string'"] },
        { Tool + "    parameters: { x: { min: 1 } }\n    sql: { statement: SELECT @x }\n", 7, 24, ["'min' is not a key of a parameter", "minimum"] },
        { Tool + "    cost: $1\n    sql: { statement: SELECT 1 }\n", 7, 11, ["'$1' is not an amount of US dollars"] },
        { Tool + "    sql: { statement: SELECT 1 }\n  - name: T\n    description: x\n    sql: { statement: SELECT 1 }\n", 8, 11, ["There is a tool 'T' already"] },
        { Tool + "    http: { url: 'ftp://x/' }\n", 7, 11, ["does not start with http:// or https://"] },
        { Tool + "    http: { url: 'https://x.example/', method: get }\n", 7, 48, ["'get' is not a method", "GET"] },
        { Tool + "    http: { url: 'https://x.example/', headers: { X-Api-Key: abc } }\n", 7, 62, ["A secret may not stand in the file"] },
        { Head + "tools:\n  - name: t\n    description: x\n    sql: { statement: SELECT 1 }\n", 6, 10, ["There is no database to run this on"] },
        // Validators, budget, limits.
        { Tool + "    sql: { statement: SELECT 1 }\nvalidators:\n  - tool_called: tt\n", 9, 18, ["There is no tool 'tt'", "Did you mean 't'"] },
        { Db + "validators:\n  - sql: { statement: SELECT 1 }\n", 5, 10, ["expects nothing"] },
        { Db + "validators:\n  - answer_matches: '('\n", 5, 21, ["Invalid pattern"] },
        { Db + "validators:\n  - answer_schema: { type: strin }\n", 5, 20, ["schema of the validator 'answer_schema' is not valid"] },
        { Db + "validators:\n  - answer_matches: a\n  - answer_matches: b\n", 6, 5, ["There is a validator 'answer_matches' already"] },
        { Db + "validators:\n  - http: { path: $.a }\n", 5, 11, ["lacks 'url'"] },
        { Db + "validators:\n  - http: { url: 'https://x.example/', method: POST }\n", 5, 48, ["'POST' is not a method", "GET, HEAD"] },
        { Db + "validators:\n  - http: { url: 'https://x.example/{id}' }\n", 5, 11, ["id"] },
        { Db + "validators:\n  - http: { url: 'https://x.example/{id}', parameters: { id: string } }\n", 5, 58, ["'for_each_call_of'"] },
        { Db + "validators:\n  - http: { url: 'https://x.example/', for_each_call_of: t }\n", 5, 58, ["There is no tool 't'"] },
        { Tool + "    parameters: { id: string }\n    sql: { statement: SELECT @id }\nvalidators:\n  - http: { url: 'https://x.example/{ids}', parameters: { ids: string }, for_each_call_of: t }\n", 10, 59, ["The tool 't' has no parameter 'ids'", "Did you mean 'id'"] },
        { Db + "validators:\n  - http: { url: 'https://x.example/', headers: { Authorization: Bearer x } }\n", 5, 66, ["A secret may not stand in the file"] },
        { Db + "validators:\n  - http: { url: 'ftp://x/' }\n", 5, 11, ["does not start with http:// or https://"] },
        { Db + "validators:\n  - answer_path: ''\n", 5, 18, ["The path is empty"] },
        { Db + "validators:\n  - answer_path: { expected: 1 }\n", 5, 18, ["lacks 'path'"] },
        { Head + "agents: [{ agent: mute, description: x, hand_off: agent }]\n", 3, 51, ["'agent' is neither true nor false"] },
        { Head + "budget: { usd: many }\n", 3, 16, ["'many' is not an amount of US dollars"] },
        { Head + "budget: { tokens: 1.5 }\n", 3, 19, ["'1.5' is not a whole number"] },
        { Head + "budget: { per_session: { per_session: {} } }\n", 3, 26, ["is not a key of 'per_session'"] },
        { Head + "limits: { iterations: 0 }\n", 3, 23, ["'0' is not a whole number from 1 to 100000"] },
        { Head + "limits: { wall_time: soon }\n", 3, 22, ["'soon' is not a time"] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Loader_WrongFile_NamesPlaceAndRemedy(string yaml, int line, int column, string[] says)
    {
        using var folder = new AgentFolder(
            ("agent.yaml", yaml),
            ("script.yaml", "turns: [{ say: hi }]"),
            ("seed.sql", "CREATE TABLE x (y)"),
            ("bad.sql", "CREATE TABEL x"),
            ("mute/agent.yaml", "name: mute\nscript: script.yaml\n"),
            ("mute/script.yaml", "name: mute\nturns: [{ say: hi }]"),
            ("same/agent.yaml", "name: same\nscript: script.yaml\n"),
            ("same/script.yaml", "turns: [{ say: ho }]"),
            ("twin/agent.yaml", "name: a\nscript: script.yaml\n"),
            ("twin/script.yaml", "name: twin\nturns: [{ say: hi }]"));
        AgentFileException e = Assert.Throws<AgentFileException>(() => folder.Load());
        Assert.All(says, s => Assert.Contains(s, e.Message, StringComparison.Ordinal));
        Assert.Equal((folder.File("agent.yaml"), line, column), (e.File, e.Line, e.Column));
        Assert.StartsWith($"{e.File}({line},{column}): ", e.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("x.db")));
    }

    [Fact]
    public void Loader_WrongScript_NamesTheScriptsLine()
    {
        using var folder = new AgentFolder(("agent.yaml", Head), ("script.yaml", "turns:\n  - say: hi\n    repet: 2\n"));
        AgentFileException e = Assert.Throws<AgentFileException>(() => folder.Load());
        Assert.Equal((folder.File("script.yaml"), 3), (e.File, e.Line));
        Assert.Contains("'repet' is not a key of a turn", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loader_NothingThere_SaysHowToMakeOne()
    {
        using var folder = new AgentFolder();
        Assert.Contains("has no agent.yaml. Write one, or give another folder.", Assert.Throws<AgentFileException>(() => folder.Load()).Message, StringComparison.Ordinal);
        AgentFileException e = Assert.Throws<AgentFileException>(() => AgentFile.Load(folder.File("gone"), new AgentFileOptions()));
        Assert.Contains("There is no such file or folder", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loader_ScriptedWithoutScript_SaysSo()
    {
        using var folder = new AgentFolder(("agent.yaml", "name: a\nmodels: { executor: ollama/qwen3 }\n"));
        Assert.Contains("has no script to follow", Assert.Throws<AgentFileException>(() => folder.Load(scripted: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loader_OneRoleWithoutKey_IsAnErrorAndNoSilentFallback()
    {
        using var folder = new AgentFolder(("agent.yaml", "name: a\nmodels:\n  executor: openai/gpt-5\n  planner: anthropic/claude-opus-4-1\n"));
        folder.Environment["OPENAI_API_KEY"] = "k";
        AgentFileException e = Assert.Throws<AgentFileException>(() => folder.Load());
        Assert.Contains("'ANTHROPIC_API_KEY' is not set", e.Message, StringComparison.Ordinal);
        Assert.Equal(4, e.Line);
    }

    [Fact]
    public void Loader_AliasesOfAliases_AreBounded()
    {
        string levels = string.Concat(Enumerable.Range(1, 9).Select(i => $"        l{i}: &l{i} [{string.Join(", ", Enumerable.Repeat($"*l{i - 1}", 10))}]\n"));
        using var folder = new AgentFolder(
            ("agent.yaml", Tool + "    http: { url: 'https://x.example/', method: POST, body: { l0: &l0 [1],\n" + levels.Replace("\n", ",\n", StringComparison.Ordinal) + "        end: 1 } }\n"),
            ("script.yaml", "turns: [{ say: hi }]"),
            ("seed.sql", "CREATE TABLE x (y)"));
        Assert.Contains("values once its aliases are followed", Assert.Throws<AgentFileException>(() => folder.Load()).Message, StringComparison.Ordinal);
    }
}
