using Sync.Hosting;

namespace Sync.Http;

/// <summary>Problems of every service that answers with records.</summary>
public static class RecordProblems
{
    /// <summary>A vault, collection or key is not one.</summary>
    public static Problem InvalidName(string detail) =>
        new(400, "invalid-name", "A name breaks the rules", detail + ".");

    /// <summary>There is no record, or no longer.</summary>
    public static Problem NotFound(string detail) => new(404, "not-found", "There is no record", detail);

    /// <summary>Neither form is acceptable, or a value cannot have it.</summary>
    public static Problem NotAcceptable(string detail) =>
        new(406, "not-acceptable", "The answer cannot be given in that form", detail);
}
