using System.Security.Cryptography;
using System.Text;
using Steward.Agents;
using Steward.Journal;

namespace Steward.State;

/// <summary>The hash that stands for a model's request in the journal: over the definition's
/// hash and the conversation's running one, never over the request's bytes.</summary>
internal static class RequestHash
{
    /// <summary>The version of the request builder; changes when the same state would give another request.</summary>
    public const int Version = 1;

    /// <summary>The hash that stands for the request in the journal.</summary>
    public static string Of(RunState state, ModelRole role, string provider, string model, bool wrapUp, string? purpose = null)
    {
        string head = $"{Version}\n{state.Started.DefinitionHash}\n{role}\n{provider}\n{model}\n{(wrapUp ? "none" : "auto")}\n{Beside(purpose)}{Offered(state)}";
        Span<byte> buffer = stackalloc byte[1_024];
        if (Encoding.UTF8.GetByteCount(head) > buffer.Length - JournalEntry.HashSize)
            buffer = new byte[Encoding.UTF8.GetByteCount(head) + JournalEntry.HashSize];
        int length = Encoding.UTF8.GetBytes(head, buffer);
        state.Conversation.Hash.Span.CopyTo(buffer[length..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(buffer[..(length + JournalEntry.HashSize)], hash);
        return Convert.ToHexStringLower(hash);
    }

    /// <summary>A judge's call is told apart by its role, as it was before side calls had a purpose.</summary>
    private static string Beside(string? purpose) => purpose is null or SideCall.Judge ? "" : $"for {purpose}\n";

    private static string Offered(RunState state)
    {
        string offered = "";
        foreach (ToolsOffered offer in state.Offers)
            offered += $"{offer.Source} {offer.Hash}\n";
        return offered;
    }

    /// <summary>Checks that an intent's hash is that of the request which is rebuilt from the state before it.</summary>
    /// <exception cref="JournalException">It is another request, under the same builder.</exception>
    public static void Verify(RunState before, ModelStarted intent)
    {
        if (intent.Builder == Version
            && Of(before, intent.Role, intent.Provider, intent.Model, intent.WrapUp, intent.Purpose) != intent.RequestHash)
        {
            throw new JournalException(
                $"The request of turn {intent.Turn} of run {before.Run} cannot be rebuilt: its hash is not {intent.RequestHash}. The journal was edited, or this build of Steward is not the one of builder version {Version}.")
            {
                Run = before.Run,
                Sequence = before.Sequence + 1,
            };
        }
    }
}
