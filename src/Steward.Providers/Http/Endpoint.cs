namespace Steward.Providers;

/// <summary>One model at one address.</summary>
internal sealed class Endpoint
{
    public Endpoint(string wireName, Uri url, string model, Wire wire, Dialect dialect)
    {
        (Url, Model, Wire, Dialect) = (url, model, wire, dialect);
        Origin = $"{wireName} {url.Authority} {model}";
    }

    /// <summary>Where requests go.</summary>
    public Uri Url { get; }

    public string Model { get; }

    public Wire Wire { get; }

    public Dialect Dialect { get; }

    public ProviderOptions Options => Wire.Options;

    /// <summary>What opaque data from here is marked with; only data with this mark goes back.</summary>
    public string Origin { get; }

    /// <summary>The address of an API below its base, whose query (<c>?api-version=…</c>) stays.</summary>
    public static Uri Below(Uri baseUrl, string path)
    {
        var builder = new UriBuilder(baseUrl);
        builder.Path = builder.Path.TrimEnd('/') + "/" + path;
        return builder.Uri;
    }
}
