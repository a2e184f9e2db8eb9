using System.Globalization;
using System.Text;
using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.JsonSchemas;
using Steward.State;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Client;

/// <summary>Takes people's decisions to the store, after checking what they bring along.</summary>
internal static class Decisions
{
    /// <exception cref="StewardException">Edited arguments or a reply are not
    /// of their schema, or come with an answer that takes none.</exception>
    public static async ValueTask<DecisionResult> TakeAsync(IStewardStore store, Decision decision, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(decision.By) || decision.By == QuestionRules.Expiry)
            throw new StewardException($"'{decision.By}' is nobody who can decide: say who decides.");
        InputRules.Check(decision);
        if (decision.Arguments is null && decision.Answer != Answer.Reply)
            return await store.DecideAsync(decision, cancellationToken);
        if (await store.QuestionsAsync(
            new QuestionQuery { Run = decision.Run, Id = decision.Question, Status = null, Limit = 1 },
            cancellationToken) is not [var question])
            return DecisionResult.Unknown;
        if (decision.Answer == Answer.Reply)
        {
            CheckReply(question, decision.Result);
            return await store.DecideAsync(decision, cancellationToken);
        }

        JsonElement arguments = decision.Arguments!.Value;
        if (decision.Answer != Answer.Approve || question.Kind != QuestionKind.Approval)
            throw new StewardException(
                $"Edited arguments go with the approval of a call; question '{question.Id}' of kind {question.Kind} answered with {decision.Answer} takes none.");
        RunState state = await RunJournal.LoadAsync(store, decision.Run, cancellationToken);
        JsonElement schema = await SchemaAsync(store, state, question.Tool!, cancellationToken);
        Check(JsonSchema.Parse(schema), arguments, $"The edited arguments of '{question.Tool}' are not valid");
        return await store.DecideAsync(
            decision with
            {
                Arguments = ArgumentOrder.Of(arguments, schema),
                ArgumentsBinding = ToolGate.Binding(question.Tool!, arguments, state),
            },
            cancellationToken);
    }

    private static void CheckReply(QuestionInfo question, string? reply)
    {
        if (string.IsNullOrEmpty(reply))
            throw new StewardException($"The reply to question '{question.Id}' is empty.");
        if (question.Schema is not { } schema)
            return;
        JsonElement value;
        try
        {
            value = JsonElement.Parse(reply);
        }
        catch (JsonException)
        {
            // Somebody typed a bare word where a string is wanted.
            value = JsonSerializer.SerializeToElement(reply, EventJson.Default.String);
        }

        JsonSchema compiled;
        try
        {
            compiled = JsonSchema.Parse(schema);
        }
        catch (JsonSchemaException)
        {
            return; // The model's schema is no schema: anything is a reply.
        }

        Check(compiled, value, $"The reply to question '{question.Id}' does not have the shape that was asked for");
    }

    private static void Check(JsonSchema schema, JsonElement value, string what)
    {
        SchemaResult result = schema.Validate(value);
        if (result.IsValid)
            return;
        var text = new StringBuilder(what).Append(':');
        foreach (SchemaError error in result.Errors.Take(5))
            text.Append(
                CultureInfo.InvariantCulture,
                $" at {(error.InstancePointer.Length == 0 ? "the top" : error.InstancePointer)}: {error.Message};");
        throw new StewardException(text.ToString().TrimEnd(';') + ".");
    }

    /// <summary>The schema of a tool as the run has it: from its definition, or from what a source offered to it.</summary>
    private static async ValueTask<JsonElement> SchemaAsync(
        IStewardStore store,
        RunState state,
        string tool,
        CancellationToken cancellationToken)
    {
        string hash = state.OfferOf(tool)?.Hash ?? state.Started.DefinitionHash;
        ReadOnlyMemory<byte> json = await store.GetAsync(hash, cancellationToken)
            ?? throw new StewardException($"The definition {hash} is not in the store, so edited arguments cannot be checked.");
        JsonElement? schema = hash == state.Started.DefinitionHash
            ? JsonSerializer.Deserialize(json.Span, AgentJson.Default.AgentBlueprint)!.Tools.FirstOrDefault(t => t.Name == tool)?.Schema
            : ToolOffer.Read(json).FirstOrDefault(t => t.Name == tool)?.Schema;
        return schema ?? throw new StewardException($"The agent of run {state.Run} has no tool '{tool}' any more.");
    }
}
