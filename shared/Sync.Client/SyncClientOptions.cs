using System.Buffers;
using System.Text;
using Sync.Contracts;

namespace Sync.Client;

/// <summary>How a process talks to its writers. Bound from the configuration section <c>Sync:Client</c>, validated at start.</summary>
public sealed record SyncClientOptions
{
    /// <summary>Section of the configuration.</summary>
    public const string Section = "Sync:Client";

    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    /// <summary>Base addresses of writers, tried in turn; any writer takes any write. Default one, <c>http://127.0.0.1:5080</c>.</summary>
    public IReadOnlyList<string> Writers { get; init; } = [];

    /// <summary>Who writes, as <c>type:name</c>; at most 128 characters. Default <c>client:anonymous</c>.</summary>
    public string Producer { get; init; } = "client:anonymous";

    /// <summary>The bearer token that every request to a writer carries; null (default) = none. Give it by an environment variable,
    /// or better in a file, <see cref="TokenFile"/>.</summary>
    public string? Token { get; init; }

    /// <summary>A file that holds the token; a token written to it later is used within 5 s. Null (default) = none.</summary>
    public string? TokenFile { get; init; }

    /// <summary>True lets the token travel to an <c>http</c> address beyond this machine: for networks that are encrypted or trusted
    /// by other means. Default false.</summary>
    public bool PlainHttp { get; init; }

    /// <summary>What the requests are for; needed where the token is bound to a purpose. At most 128 printable ASCII characters.
    /// Null (default) = not said.</summary>
    public string? Purpose { get; init; }

    /// <summary>Time for one write with all its retries, from the call; a request under way then is still awaited. Default 30 s;
    /// 100 ms to 10 min.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time for one request; of writes, the time without any part of the answer. Default 10 s; 100 ms to 10 min.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for one request by which replicas recover. Default 2 s: a request that vanished must not hold up a
    /// recovery beyond the 5 s in which replicas are to be right again; 100 ms to 1 min.</summary>
    public TimeSpan RefetchTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Queues of writes that keep their order, each with one request under way. Default 4; 1 to 64.</summary>
    public int Lanes { get; init; } = 4;

    /// <summary>Most writes of one request. Default 500; 1 to 10,000.</summary>
    public int BatchWritesMax { get; init; } = 500;

    /// <summary>Most value bytes of one request (a single larger value goes alone). Default 1 MiB; 1 KiB to 64 MiB.</summary>
    public int BatchBytesMax { get; init; } = 1 << 20;

    /// <summary>Most writes that wait or are under way; a further one is refused at once as overloaded. Default 10,000; 1 to 1,000,000.</summary>
    public int QueuedWritesMax { get; init; } = 10_000;

    /// <summary>First pause before a retry, doubled each time and jittered by half. Default 50 ms; 1 ms to 1 min.</summary>
    public TimeSpan RetryDelayMin { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Longest pause before a retry. Default 2 s; not below <see cref="RetryDelayMin"/>, at most 1 min.</summary>
    public TimeSpan RetryDelayMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A changefeed's stream that brings nothing for so long, not even a heartbeat, is taken for dead. Default 30 s, three
    /// of the writer's heartbeats; 100 ms to 10 min.</summary>
    public TimeSpan FeedSilenceMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A read of a changefeed fails when no writer brought anything for so long. Default 5 min; 100 ms to 1 day.</summary>
    public TimeSpan FeedGiveUpAfter { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The addresses to use.</summary>
    public IReadOnlyList<Uri> WriterAddresses =>
        Writers.Count == 0 ? [new Uri("http://127.0.0.1:5080")] : [.. Writers.Select(text => new Uri(text, UriKind.Absolute))];

    /// <summary>What is wrong: key, value and allowed range of each bad option.</summary>
    public IEnumerable<string> Validate()
    {
        var isClearAllowed = PlainHttp || (Token ?? TokenFile) is null;
        foreach (var writer in Writers)
        {
            if (!Uri.TryCreate(writer, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
                yield return $"{Section}:Writers has '{writer}'; must be an http or https address such as http://127.0.0.1:5080";
            else if (!isClearAllowed && uri is { Scheme: "http", IsLoopback: false })
                yield return $"{Section}:Writers has {writer}, where the token would travel in clear; use https, or set {Section}:PlainHttp";
        }
        if (Producer.Length is 0 or > 128) yield return $"{Section}:Producer has {Producer.Length} characters; must be 1..128";
        if (Token is not null && TokenFile is not null) yield return $"{Section}:Token and {Section}:TokenFile are both given; give one";
        if (Token is not null && !IsToken(Token)) yield return $"{Section}:Token is not a token; sync token create makes one";
        if (Purpose is not null && (Purpose.Length is 0 or > 128 || Purpose.AsSpan().ContainsAnyExceptInRange(' ', '~')))
            yield return $"{Section}:Purpose must be 1..128 printable ASCII characters";
        foreach (var wrong in new[]
        {
            Range(nameof(WriteTimeout), WriteTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            Range(nameof(RequestTimeout), RequestTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            Range(nameof(RefetchTimeout), RefetchTimeout, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(1)),
            Range(nameof(RetryDelayMin), RetryDelayMin, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1)),
            Range(nameof(RetryDelayMax), RetryDelayMax, RetryDelayMin, TimeSpan.FromMinutes(1)),
            Range(nameof(FeedSilenceMax), FeedSilenceMax, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10)),
            Range(nameof(FeedGiveUpAfter), FeedGiveUpAfter, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)),
            Range(nameof(Lanes), Lanes, 1, 64, "lanes"),
            Range(nameof(BatchWritesMax), BatchWritesMax, 1, 10_000, "writes"),
            Range(nameof(BatchBytesMax), BatchBytesMax, 1 << 10, 64 << 20, "bytes"),
            Range(nameof(QueuedWritesMax), QueuedWritesMax, 1, 1_000_000, "writes"),
        })
            if (wrong is not null) yield return wrong;
    }

    /// <summary>True for what a bearer header can carry (RFC 6750, section 2.1). Whether it is a valid token only a writer knows.</summary>
    internal static bool IsToken(string text) => text.Length is > 0 and <= 1024 && !text.AsSpan().ContainsAnyExcept(TokenCharacters);

    // A record prints its properties; the token is none that may be printed.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append(nameof(Writers)).Append(" = ").AppendJoin(", ", Writers).Append(", Producer = ").Append(Producer);
        return true;
    }

    private static string? Range<T>(string name, T value, T min, T max, string unit = "(hh:mm:ss)")
        where T : IComparable<T> =>
        value.CompareTo(min) < 0 || value.CompareTo(max) > 0
            ? $"{Section}:{name} is {value}; must be {min}..{max} {unit}"
            : null;
}
