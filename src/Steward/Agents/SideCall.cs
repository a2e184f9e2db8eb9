using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.State;

namespace Steward.Agents;

/// <summary>A model call beside the conversation (a judge, a summarizer, an extractor). Its request comes from the state alone, and its
/// answer never enters the conversation by itself.</summary>
/// <remarks>
/// It passes the gate as every model call does: its worst case is reserved, its usage is settled, its attempts are journaled. A
/// replay answers it from the journal. All members are pure: given the same state they say the same, on any machine.
/// </remarks>
public abstract class SideCall
{
    /// <summary>The purpose of a validator's judge.</summary>
    public const string Judge = "judge";

    /// <summary>What it is for: 1 to 64 letters, digits, <c>-</c> or <c>_</c>, unique within the agent.</summary>
    public abstract string Purpose { get; }

    /// <summary>The role whose models are called.</summary>
    public abstract ModelRole RoleIn(AgentDefinition agent);

    /// <summary>The whole request.</summary>
    public abstract IReadOnlyList<ChatMessage> Messages(RunState state);

    /// <summary>Whether the call has to be made before the next turn. What <see cref="Read"/> returns must make this false.</summary>
    /// <value>False: somebody else asks for it, as a validator does for its judge.</value>
    public virtual bool IsDue(RunState state) => false;

    /// <summary>What the answer becomes: something that the conversation knows from then on.</summary>
    /// <returns>Null when the code that asked for the call reads its answer, as a validator does; never null for a call that <see
    /// cref="IsDue"/>.</returns>
    public virtual ContextEvent? Read(RunState state, SideAnswer answer) => null;

    /// <summary>The purpose of a side call; null for a call of the conversation. Journals before 0.3 have a judge's role only.</summary>
    internal static string? PurposeOf(ModelStarted intent) => intent.Purpose ?? (intent.Role == ModelRole.Validator ? Judge : null);
}
