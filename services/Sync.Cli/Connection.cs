using System.CommandLine;
using System.Text;
using Sync.Access;
using Sync.Client;
using Sync.Contracts;
using Sync.Transport;

namespace Sync.Cli;

/// <summary>Where the services are, from options, else from the environment, else this machine. Passwords never come from options.</summary>
internal sealed record Connection(string Writer, string? Nats, string? NatsUser, string? NatsPassword, bool Json)
{
    private static readonly Option<string?> TokenFileOption = new("--token-file")
    {
        Description = "File with the token to show to services (SYNC_TOKEN_FILE, or the token itself in SYNC_TOKEN)",
        Recursive = true,
    };

    private static readonly Option<string?> PurposeOption = new("--purpose")
    {
        Description = "What the request is for (SYNC_PURPOSE); needed with a token that is for one purpose",
        Recursive = true,
    };

    private static readonly Option<string> WriterOption = new("--writer")
    {
        Description = "Address of a writer (SYNC_WRITER)",
        DefaultValueFactory = _ => Variable("SYNC_WRITER") ?? "http://127.0.0.1:5080",
        Recursive = true,
    };

    private static readonly Option<string?> NatsOption = new("--nats")
    {
        Description = "Address of the broker (SYNC_NATS); only watch uses it, and does without when there is none",
        DefaultValueFactory = _ => Variable("SYNC_NATS"),
        Recursive = true,
    };

    private static readonly Option<string?> NatsUserOption = new("--nats-user")
    {
        Description = "User at the broker (SYNC_NATS_USER); the password comes from SYNC_NATS_PASSWORD or SYNC_NATS_PASSWORD_FILE",
        DefaultValueFactory = _ => Variable("SYNC_NATS_USER"),
        Recursive = true,
    };

    private static readonly Option<bool> JsonOption = new("--json")
    {
        Description = "Print JSON for programs instead of text for people",
        Recursive = true,
    };

    public static IEnumerable<Option> Options => [WriterOption, NatsOption, NatsUserOption, TokenFileOption, PurposeOption, JsonOption];

    public static Connection From(ParseResult parsed) => new(
        parsed.GetRequiredValue(WriterOption),
        parsed.GetValue(NatsOption),
        parsed.GetValue(NatsUserOption),
        Variable("SYNC_NATS_PASSWORD") ?? FromFile(Variable("SYNC_NATS_PASSWORD_FILE")),
        parsed.GetValue(JsonOption))
    {
        // What is given with the call goes before what the shell has set.
        TokenFile = parsed.GetValue(TokenFileOption) ?? (Variable("SYNC_TOKEN") is null ? Variable("SYNC_TOKEN_FILE") : null),
        Token = parsed.GetValue(TokenFileOption) is null ? Variable("SYNC_TOKEN")?.Trim() : null,
        Purpose = parsed.GetValue(PurposeOption) ?? Variable("SYNC_PURPOSE"),
    };

    /// <summary>A file that holds the token; null = none.</summary>
    public string? TokenFile { get; private init; }

    /// <summary>What requests are for; null = not said.</summary>
    public string? Purpose { get; private init; }

    private string? Token { get; init; }

    /// <summary>The token to show; null = none.</summary>
    /// <exception cref="SyncException">Its file cannot be read, or what is there is no token. It is not shown.</exception>
    public string? ReadToken()
    {
        string? token;
        try
        {
            token = Token ?? FromFile(TokenFile);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SyncException(SyncErrorCode.Invalid, $"the token file {TokenFile} cannot be read: {error.Message}", inner: error);
        }
        if (token is null || AccessToken.IsWellFormed(token)) return token;
        var where = TokenFile is null ? "SYNC_TOKEN does" : $"the file {TokenFile} does";
        throw new SyncException(SyncErrorCode.Invalid, $"{where} not hold a token and nothing else; 'sync token create' makes one");
    }

    // A record prints its properties; the token and the password are none that may be printed.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append("Writer = ").Append(Writer);
        return true;
    }

    /// <summary>The broker; null = none was named. A user's replies come under its own prefix, as the shipped broker configuration
    /// allows.</summary>
    public BusOptions? Broker => Nats is null ? null : new()
    {
        Url = Nats,
        Name = "sync cli",
        Username = NatsUser,
        Password = NatsPassword,
        InboxPrefix = NatsUser is null ? "_INBOX" : "_INBOX." + NatsUser,
    };

    public SyncClientOptions ClientOptions(string producer) => new()
    {
        Writers = [Writer],
        Producer = producer,
        Token = ReadToken(),
        Purpose = Purpose,
    };

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static string? FromFile(string? path) => path is null ? null : File.ReadAllText(path).Trim();
}
