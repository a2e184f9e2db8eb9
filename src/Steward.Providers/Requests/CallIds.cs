using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Providers;

/// <summary>Shapes names and ids of calls so that the model that is asked now takes a history that another one made.</summary>
internal static class CallIds
{
    private const int MaxName = 64;
    private const int Short = 9;
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>The id under which a call goes to an endpoint. An id that came from there goes back as it came; any other becomes nine
    /// letters and digits, which all endpoints take.</summary>
    public static string Of(FunctionCallContent call, Endpoint endpoint)
    {
        Opaque? opaque = OpaqueContent.Of(call);
        bool isOwn = opaque?.Origin == endpoint.Origin && call.CallId.Length > 0;
        bool fits = endpoint.Dialect.HasShortCallIds
            ? call.CallId.Length == Short && call.CallId.All(char.IsAsciiLetterOrDigit)
            : isOwn || (opaque is null && IsName(call.CallId));
        return fits && WireText.Mend(call.CallId) == call.CallId ? call.CallId : Shorten(call);
    }

    /// <summary>A name of 1 to 64 letters, digits, underscores and hyphens: what the model made up may be none.</summary>
    public static string Name(string name)
    {
        if (IsName(name))
            return name;
        if (name.Length == 0)
            return "unnamed";
        return string.Create(Math.Min(name.Length, MaxName), name, static (span, from) =>
        {
            for (int i = 0; i < span.Length; i++)
                span[i] = IsAllowed(from[i]) ? from[i] : '_';
        });
    }

    private static bool IsName(string text) => text.Length is > 0 and <= MaxName && text.All(IsAllowed);

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-';

    // Over name and arguments too: servers that number their calls anew in each answer give different calls one id.
    private static string Shorten(FunctionCallContent call)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{call.CallId}\n{call.Name}\n{WrittenJson.Arguments(call)}"));
        return string.Create(Short, hash, static (span, from) =>
        {
            for (int i = 0; i < span.Length; i++)
                span[i] = Letters[from[i] % Letters.Length];
        });
    }
}
