namespace Steward.JsonSchemas;

/// <summary>The five parts of a URI reference and its resolution by RFC 3986, section 5.2.</summary>
/// <remarks>System.Uri reads "/a" as a file on Unix and changes what it parses; identifiers of schemas need neither.</remarks>
internal sealed record UriReference(string? Scheme, string? Authority, string Path, string? Query, string? Fragment)
{
    public static UriReference Parse(string text)
    {
        string rest = text;
        string? fragment = Cut(ref rest, '#');
        string? query = Cut(ref rest, '?');
        string? scheme = SchemeOf(rest);
        if (scheme is not null)
            rest = rest[(scheme.Length + 1)..];
        if (!rest.StartsWith("//", StringComparison.Ordinal))
            return new(scheme, null, rest, query, fragment);

        int end = rest.IndexOf('/', 2);
        return end < 0
            ? new(scheme, rest[2..], "", query, fragment)
            : new(scheme, rest[2..end], rest[end..], query, fragment);
    }

    /// <summary>The absolute address without its fragment, and the fragment.</summary>
    public static (string Address, string Fragment) Resolve(string baseAddress, string reference)
    {
        UriReference target = Parse(reference);
        UriReference resolved = target.Against(Parse(baseAddress));
        return ((resolved with { Fragment = null }).ToString(), Uri.UnescapeDataString(target.Fragment ?? ""));
    }

    public override string ToString() =>
        (Scheme is null ? "" : Scheme + ":") + (Authority is null ? "" : "//" + Authority) + Path
        + (Query is null ? "" : "?" + Query) + (Fragment is null ? "" : "#" + Fragment);

    private UriReference Against(UriReference origin)
    {
        if (Scheme is not null)
            return this with { Path = RemoveDots(Path) };
        if (Authority is not null)
            return this with { Scheme = origin.Scheme, Path = RemoveDots(Path) };
        if (Path.Length == 0)
            return origin with { Query = Query ?? origin.Query, Fragment = Fragment };

        string path = Path[0] == '/' ? Path : Merge(origin);
        return origin with { Path = RemoveDots(path), Query = Query, Fragment = Fragment };
    }

    private string Merge(UriReference origin) =>
        origin.Authority is not null && origin.Path.Length == 0
            ? "/" + Path
            : origin.Path[..(origin.Path.LastIndexOf('/') + 1)] + Path;

    private static string RemoveDots(string path)
    {
        if (!path.Contains('.', StringComparison.Ordinal) || !path.StartsWith('/'))
            return path;

        string[] segments = path[1..].Split('/');
        List<string> kept = [];
        for (int i = 0; i < segments.Length; i++)
        {
            bool dots = segments[i] is "." or "..";
            if (segments[i] == ".." && kept.Count > 0)
                kept.RemoveAt(kept.Count - 1);
            if (!dots)
                kept.Add(segments[i]);
            else if (i == segments.Length - 1)
                kept.Add("");
        }

        return "/" + string.Join('/', kept);
    }

    private static string? Cut(ref string text, char separator)
    {
        int at = text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0)
            return null;

        string tail = text[(at + 1)..];
        text = text[..at];
        return tail;
    }

    private static string? SchemeOf(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || !char.IsAsciiLetter(text[0]))
            return null;

        foreach (char c in text.AsSpan(0, colon))
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('+' or '-' or '.'))
                return null;
        }

        return text[..colon];
    }
}
