using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Declarative.Sections;
using Steward.Journal;
using Steward.Providers;
using Steward.Tools;

namespace Steward.Declarative.Tests;

public sealed class AgentLoaderTests
{
    /// <summary>Every key once.</summary>
    internal const string Everything = """
        name: full
        version: 2.1
        description: Has every key.
        instructions_file: prompt.md
        models:
          planner: mine/large
          executor:
            - { provider: mine, model: large, max_output: 900, temperature: 0.5, stream: false, retries: 4, timeout: 90s }
            - local/toy
          validator: mine/large
          summarizer: mine/large
          judge: [mine/large]
        providers:
          mine:
            kind: openai
            base_url: https://${env:HOST}/v1/
            api_key: ${env:KEY}
            headers: { X-Team: support }
            fields: { reasoning_effort: low, provider: { order: [a, b] } }
            max_tokens_field: max_completion_tokens
            prompt_caching: false
            idle_timeout: 20s
            max_answer_bytes: 1000000
          local: { kind: scripted, script: script.yaml }
        script: script.yaml
        prices:
          mine/large: { input: 1, output: 2.5, cache_read: 0.1, cache_write: 1.25, context_window: 64000, max_output: 4000, source: the contract }
        databases:
          shop: { sqlite: data/shop.db, seed: seed.sql }
          crm: { postgres: 'Host=127.0.0.1;Database=crm;Password=${env:KEY}' }
        tools:
          - name: find
            description: Finds.
            parameters:
              text: { type: string, description: The text., required: true, min_length: 1, max_length: 50, pattern: '^\w+$', format: idn-hostname }
              size: { type: integer, minimum: 1, maximum: 5, default: 2, enum: [1, 2, 5] }
            effect: read_only
            cost: 0.01
            timeout: 5s
            max_repeats: 7
            max_result: 2000
            overlap: true
            sql: { database: shop, statement: 'SELECT @text, @size', max_rows: 10, max_bytes: 5000 }
          - name: pay
            description: Pays.
            parameters: { amount: number }
            effect: idempotent
            destructive: true
            cost: 0.5
            approval: false
            key_memory: 2d
            sql: { database: shop, statement: 'INSERT INTO x VALUES (@amount, @idempotency_key)', probe: 'SELECT 1 FROM x WHERE z = @idempotency_key' }
          - name: post
            description: Posts.
            parameters: { id: string, note: { required: false } }
            destructive: true
            http:
              method: POST
              url: https://api.example.com/v1/users/{id}
              headers: { Authorization: 'Bearer ${secret:KEY}' }
              body: { note: '{note}', tags: [1, a] }
              json_body: false
              idempotency_header: X-Key
              select: data.id
              status_texts: { 404: No such user. }
              max_bytes: 10000
              follow_redirects: true
              allow_private_networks: true
              allowed_hosts: [api.example.com]
              probe: { url: 'https://api.example.com/v1/notes?key={idempotency_key}', headers: { X-Api-Key: '${env:KEY}' }, select: items }
        built_ins: [ask_user, wait_until, hand_off]
        agents:
          - { name: ask_clerk, description: Knows the files., agent: clerk }
          - { agent: clerk, hand_off: true }
        approvals:
          - { name: small, tools: [pay], when: { properties: { amount: { maximum: 10 } } }, required: false }
          - { name: large, tools: 'p*', effects: [idempotent, unsafe], destructive: true, cost_above: 0, approvers: 2, four_eyes: true, roles: [finance], expires_after: 2d, default: stop }
          - { name: boss, tools: ask_clerk, effects: unsafe, assignee: ana }
        planning: { mode: auto, max_rounds: 3, max_steps: 5, parallel_steps: 2, approve_destructive: false, approve_above_cost: 9.5, unit: EUR }
        validators:
          - name: paid
            sql: { database: shop, statement: 'SELECT 1 AS one WHERE @amount > 0', description: It is paid, captures: { amount: call.pay.amount }, rows: { exactly: 1, at_least: 1, at_most: 2 }, first_row: { one: 1 }, timeout: 3s }
          - tool_called: { tool: find, times: 1, arguments: { size: 2 } }
          - name: posted
            http: { method: HEAD, url: 'https://api.example.com/v1/users/{id}', headers: { Authorization: 'Bearer ${secret:KEY}' }, parameters: { id: string }, for_each_call_of: post, path: $.status, expected: { ok: true }, description: It is posted, timeout: 4s, max_bytes: 9000, follow_redirects: true, allow_private_networks: true, allowed_hosts: [api.example.com] }
          - answer_matches: { pattern: sorry, negate: true }
          - answer_path: { path: $.order.id, expected: 7 }
          - answer_schema: { type: object }
          - judge: { rubric: It is polite. }
        budget: { usd: 1.5, tokens: 1000, model_calls: 5, tool_calls: 6, per_session: { usd: 9, tokens: 9000, model_calls: 50, tool_calls: 60 } }
        limits: { iterations: 9, wall_time: 1h, parallel_tools: 2, calls_per_message: 3, mistakes: 4, validation_rounds: 2, attempts: 5, min_output: 100, min_wrap_up: 50, depth: 2, children: 7, budget_wait: 1s, model_patience: 1h }
        store: runs/all.db
        example: Do it.
        """;

    private const string Two = "name: a\nscript: script.yaml\nmodels: { executor: [anthropic/claude-haiku-4-5, openai/gpt-5-mini] }\n";

    [Fact]
    public void Loader_EveryKey_IsRead()
    {
        using AgentFolder folder = Full();
        AgentFile file = folder.Load();

        Assert.Equal(("full", "2.1", "Has every key.", "Be good."), (file.Agent.Name, file.Agent.Version, file.Agent.Description, file.Agent.Instructions));
        Assert.Equal(5, file.Agent.Routes.Count);
        Assert.Equal(
            [new ModelTarget("mine", "large") { MaxOutput = 900, Temperature = 0.5f, Stream = false, Retries = 4, Timeout = TimeSpan.FromSeconds(90) }, new ModelTarget("local", "toy")],
            file.Agent.RouteOf(ModelRole.Executor).Targets);
        Assert.Equal("mine/large at models.example.com, then scripted model (script.yaml): no real model speaks", file.ModelDescription);
        Assert.Equal(["local", "mine"], file.Providers.Keys.Order());
        ProviderOptions options = file.ProviderEntries["mine"].Options;
        Assert.Equal(
            ("max_completion_tokens", false, TimeSpan.FromSeconds(20), 1_000_000L),
            (options.MaxTokensField, options.PromptCaching, options.IdleTimeout, options.MaxAnswerBytes));
        Assert.Equal("""{"reasoning_effort":"low","provider":{"order":["a","b"]}}""", JsonSerializer.Serialize(options.Fields));
        Assert.Contains(file.Prices, p => p is { Provider: "mine", Model: "large", InputPerMillion: 1, OutputPerMillion: 2.5m, CacheReadPerMillion: 0.1m, CacheWritePerMillion: 1.25m, ContextWindow: 64_000, MaxOutput: 4_000, Source: "the contract" });
        Assert.Contains(file.Prices, p => p is { Provider: "local", Model: "toy", InputPerMillion: 3, OutputPerMillion: 4 });
        Assert.Equal(["find", "pay", "post", "ask_user", "wait_until", "hand_off", "ask_clerk", "hand_off_to_clerk", "read_result"], file.Agent.Tools.Select(t => t.Name));
        Assert.Equal(["paid", "tool_called", "posted", "answer_matches", "answer_path", "answer_schema", "judge"], file.Agent.Validators.Select(v => v.Name));
        Assert.Equal((1.5m, 1_000L, 5L, 6L), (file.Agent.Ceilings.Usd, file.Agent.Ceilings.Tokens, file.Agent.Ceilings.ModelCalls, file.Agent.Ceilings.ToolCalls));
        Assert.Equal((9m, 9_000L, 50L, 60L), (file.Agent.SessionCeilings!.Usd, file.Agent.SessionCeilings.Tokens, file.Agent.SessionCeilings.ModelCalls, file.Agent.SessionCeilings.ToolCalls));
        Assert.Equal(
            new Steward.Agents.AgentLimits
            {
                Iterations = 9,
                WallTime = TimeSpan.FromHours(1),
                ParallelTools = 2,
                CallsPerMessage = 3,
                Mistakes = 4,
                ValidationRounds = 2,
                Attempts = 5,
                MinOutput = 100,
                MinWrapUp = 50,
                Depth = 2,
                Children = 7,
                BudgetWait = TimeSpan.FromSeconds(1),
                ModelPatience = TimeSpan.FromHours(1),
            },
            file.Agent.Limits);
        Assert.Equal((folder.File("runs/all.db"), "Do it.", folder.Path), (file.Store.Path, file.Example, file.Folder));
    }

    [Fact]
    public void Loader_Tools_AreAsDeclared()
    {
        using AgentFolder folder = Full();
        AgentFile file = folder.Load();
        ToolDefinition find = file.Agent.FindTool("find")!, pay = file.Agent.FindTool("pay")!, post = file.Agent.FindTool("post")!;
        Assert.Equal((ToolEffect.ReadOnly, 0.01m, TimeSpan.FromSeconds(5), 7, 2_000, true), (find.Effect, find.CostUsd, find.Timeout, find.MaxRepeats, find.MaxResult, find.Overlaps));
        Assert.Equal(
            """{"type":"object","properties":{"text":{"description":"The text.","type":"string","minLength":1,"maxLength":50,"pattern":"^\\w\u002B$","format":"idn-hostname"},"size":{"type":"integer","enum":[1,2,5],"minimum":1,"maximum":5,"default":2}},"required":["text"],"additionalProperties":false}""".Replace("\\u002B", "+", StringComparison.Ordinal),
            find.Schema.GetRawText().Replace("\\u002B", "+", StringComparison.Ordinal));
        Assert.Equal((ToolEffect.Idempotent, true, false, TimeSpan.FromDays(2)), (pay.Effect, pay.Destructive, pay.RequiresApproval, pay.KeyMemory));
        Assert.NotNull(pay.Probe);
        Assert.Equal((ToolEffect.Unsafe, true, true), (post.Effect, post.Destructive, post.RequiresApproval));
        Assert.NotNull(post.Probe);
    }

    [Fact]
    public void Loader_ApprovalsPlanningAndAgents_AreAsDeclared()
    {
        using AgentFolder folder = Full();
        AgentFile file = folder.Load();
        ApprovalPolicy small = file.Agent.Approvals[0], large = file.Agent.Approvals[1], boss = file.Agent.Approvals[2];
        Assert.Equal(("small", false, "pay"), (small.Name, small.Required, Assert.Single(small.Tools)));
        Assert.Equal("""{"properties":{"amount":{"maximum":10}}}""", small.Arguments?.GetRawText());
        Assert.Equal((false, true, false), (small.FourEyes, large.FourEyes, boss.FourEyes));
        Assert.Equal(("large", true, 0m, 2, TimeSpan.FromDays(2), Answer.Stop), (large.Name, large.Destructive!.Value, large.CostAbove!.Value, large.Approvers, large.ExpiresAfter!.Value, large.Default));
        Assert.Equal([ToolEffect.Idempotent, ToolEffect.Unsafe], large.Effects);
        Assert.Equal(["finance"], large.Roles);
        Assert.Equal(("boss", "ana", ToolEffect.Unsafe), (boss.Name, boss.Assignee, Assert.Single(boss.Effects)));
        Assert.Equal(new PlanningOptions { Mode = PlanningMode.Auto, MaxRounds = 3, MaxSteps = 5, ParallelSteps = 2, ApproveDestructive = false, ApproveAboveCost = 9.5m, Unit = "EUR" }, file.Agent.Planning);
        Assert.Equal(("clerk", false), (file.Agent.FindTool("ask_clerk")!.AgentName, file.Agent.FindTool("ask_clerk")!.IsHandOff));
        Assert.Equal(("clerk", true), (file.Agent.FindTool("hand_off_to_clerk")!.AgentName, file.Agent.FindTool("hand_off_to_clerk")!.IsHandOff));
        Assert.Equal("It is posted: HEAD https://api.example.com/v1/users/{id} has {\"ok\":true} at $.status, for each call of post.", file.Agent.Validators[2].Description);
        Assert.Equal("The answer is JSON and has 7 at $.order.id.", file.Agent.Validators[4].Description);
        Assert.Equal(["full", "clerk"], file.All.Select(f => f.Agent.Name));
    }

    [Fact]
    public void Loader_SubAgentWithoutNameAndDescription_HasItsOwn()
    {
        using AgentFolder folder = new(("agent.yaml", "name: a\nscript: script.yaml\nagents: [{ agent: clerk }]\n"), ("script.yaml", "turns: [{ say: hi }]"));
        Clerk(folder);
        ToolDefinition clerk = folder.Load().Agent.FindTool("clerk")!;
        Assert.Equal("Keeps files.", clerk.Description);
    }

    [Fact]
    public void Everything_UsesEveryKey()
    {
        foreach (string key in AgentKeys.All.Values.SelectMany(k => k).Except(["instructions"]))
            Assert.Matches($@"(^|[\s{{]){key}:", Everything);
    }

    [Theory]
    [InlineData("", "scripted model (script.yaml): no real model speaks", "scripted/script")]
    [InlineData("ANTHROPIC_API_KEY", "anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5")]
    [InlineData("OPENAI_API_KEY", "openai/gpt-5-mini", "openai/gpt-5-mini")]
    [InlineData("ANTHROPIC_API_KEY,OPENAI_API_KEY", "anthropic/claude-haiku-4-5, then openai/gpt-5-mini", "anthropic/claude-haiku-4-5,openai/gpt-5-mini")]
    [InlineData("OPENAI_BASE_URL=http://127.0.0.1:4010/v1/", "openai/gpt-5-mini at 127.0.0.1:4010", "openai/gpt-5-mini")]
    [InlineData("OPENAI_BASE_URL=http://127.0.0.1:4010/v1/,STEWARD_MODEL=qwen3", "openai/qwen3 at 127.0.0.1:4010", "openai/qwen3")]
    [InlineData("ANTHROPIC_API_KEY=", "scripted model (script.yaml): no real model speaks", "scripted/script")]
    public void Loader_Environment_ChoosesTheSpeaker(string environment, string speaker, string targets)
    {
        using var folder = new AgentFolder(("agent.yaml", Two), ("script.yaml", "turns: [{ say: hi }]"));
        foreach (string setting in environment.Split(',', StringSplitOptions.RemoveEmptyEntries))
            folder.Environment[setting.Split('=')[0]] = setting.Contains('=') ? setting.Split('=', 2)[1] : "key";
        AgentFile file = folder.Load();
        Assert.Equal(speaker, file.ModelDescription);
        IReadOnlyList<ModelTarget> route = file.Agent.RouteOf(ModelRole.Executor).Targets;
        Assert.Equal(targets, string.Join(',', route.Select(t => $"{t.Provider}/{t.Model}")));
        foreach (ModelTarget target in route)
        {
            using IChatClient client = file.Providers[target.Provider](target);
            Assert.NotNull(client);
        }
    }

    [Fact]
    public void Loader_ScriptedOption_UsesTheScriptDespiteAKey()
    {
        using var folder = new AgentFolder(("agent.yaml", Two), ("script.yaml", "name: s\nprices: { input: 2, output: 3 }\nturns: [{ say: hi }]"));
        folder.Environment["ANTHROPIC_API_KEY"] = "key";
        AgentFile file = folder.Load(scripted: true);
        Assert.Equal("scripted model (script.yaml): no real model speaks", file.ModelDescription);
        Assert.Equal(["scripted"], file.Providers.Keys);
        Assert.True(file.Prices is [{ Provider: "scripted", Model: "s", InputPerMillion: 2, OutputPerMillion: 3 }]);
    }

    [Fact]
    public void Loader_LocalPreset_NeedsNoKeyAndIsFree()
    {
        using var folder = new AgentFolder(("agent.yaml", "name: a\nmodels: { executor: 'ollama/qwen3:8b' }\n"));
        AgentFile file = folder.Load();
        Assert.Equal("ollama/qwen3:8b", file.ModelDescription);
        Assert.True(file.Prices is [{ Provider: "ollama", Model: "qwen3:8b", InputPerMillion: 0, OutputPerMillion: 0 }]);
    }

    [Fact]
    public void Loader_LocalPresetElsewhere_HasNoPrice()
    {
        using var folder = new AgentFolder(("agent.yaml", "name: a\nmodels: { executor: 'ollama/qwen3:8b' }\n"));
        folder.Environment["OLLAMA_BASE_URL"] = "https://ollama.example.com/v1/";
        Assert.Empty(folder.Load().Prices);
    }

    [Fact]
    public async Task Loader_AddressInTheFile_DoesNotGetTheEnvironmentsKey()
    {
        using var server = new System.Net.HttpListener();
        int port = FreePort();
        server.Prefixes.Add($"http://127.0.0.1:{port}/");
        server.Start();
        using var folder = new AgentFolder(("agent.yaml", $"name: a\nmodels: {{ executor: openai/gpt-5-mini }}\nproviders: {{ openai: {{ base_url: 'http://127.0.0.1:{port}/v1/' }} }}\n"));
        folder.Environment["OPENAI_API_KEY"] = "sk-of-the-environment";
        AgentFile file = folder.Load();
        ModelTarget target = file.Agent.RouteOf(ModelRole.Executor).Targets[0];
        using IChatClient client = file.Providers["openai"](target);
        Task<ChatResponse> asked = client.GetResponseAsync("hi", cancellationToken: TestContext.Current.CancellationToken);
        System.Net.HttpListenerContext request = await server.GetContextAsync().WaitAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("sk-of-the-environment", request.Request.Headers.ToString(), StringComparison.Ordinal);
        request.Response.StatusCode = 400;
        request.Response.Close();
        await Assert.ThrowsAnyAsync<Exception>(() => asked);
    }

    [Fact]
    public void Loader_NoStore_IsBesideTheFile()
    {
        using var folder = new AgentFolder(("agent.yaml", "name: a\nscript: script.yaml\n"), ("script.yaml", "turns: [{ say: hi }]"));
        Assert.Equal(folder.File(".steward/runs.db"), folder.Load().Store.Path);
        Assert.Equal("1", folder.Load().Agent.Version);
        Assert.Equal(folder.Load().Agent.Hash, AgentFile.Load(folder.File("agent.yaml"), new AgentFileOptions { Environment = _ => null }).Agent.Hash);
    }

    [Fact]
    public async Task Seed_SeveralAtOnce_MakesOneWholeDatabase()
    {
        using AgentFolder folder = AgentFolder.Sample("support");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => folder.Load(), TestContext.Current.CancellationToken)));
        Assert.Equal(["shop.db"], Directory.EnumerateFiles(folder.File("data")).Select(Path.GetFileName));
        Assert.Equal((3_000L, 8_000L, 500L), (Count(folder, "customers"), Count(folder, "orders"), Count(folder, "notifications")));
        Assert.Equal(1L, Count(folder, "customers WHERE email = 'ana.pop@example.com'"));
        Assert.True(Count(folder, "customers WHERE name = 'Ana Pop'") > 1);
    }

    internal static long Count(AgentFolder folder, string from)
    {
        using var connection = new SqliteConnection($"Data Source={folder.File("data/shop.db")}");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM {from}";
        return (long)command.ExecuteScalar()!;
    }

    internal static AgentFolder Full()
    {
        var folder = new AgentFolder(
            ("agent.yaml", Everything),
            ("prompt.md", "Be good."),
            ("script.yaml", "prices: { input: 3, output: 4 }\nturns: [{ say: hi }]"),
            ("seed.sql", "CREATE TABLE x (y REAL, z TEXT UNIQUE)"));
        folder.Environment["HOST"] = "models.example.com";
        folder.Environment["KEY"] = "a-secret-key";
        Clerk(folder);
        return folder;
    }

    internal static void Clerk(AgentFolder folder)
    {
        folder.Write("clerk/agent.yaml", "name: clerk\ndescription: Keeps files.\nscript: script.yaml\n");
        folder.Write("clerk/script.yaml", "name: clerk\nturns: [{ say: filed }]");
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
