using Npgsql;
using Sync.Contracts;

namespace Sync.Ledger.Postgres;

/// <summary>What an error of the server says about a group.</summary>
internal static class CommitOutcomes
{
    internal static readonly CommitOutcome Committed = new CommitOutcome.Committed();

    private static readonly CommitOutcome Fenced = new CommitOutcome.Fenced();
    private static readonly CommitOutcome TooEarly = new CommitOutcome.TooEarly();
    private static readonly CommitOutcome DuplicateKey = new CommitOutcome.DuplicateKey();

    /// <summary>The SQLSTATEs that the fence raises; chosen in the migrations 0001 and 0004.</summary>
    private const string FenceState = "SY001";
    private const string TooEarlyState = "SY002";

    /// <exception cref="SyncException"><see cref="SyncErrorCode.Corrupt"/>: the fence held, and yet there is a fact at
    /// one of the positions. Nothing that an owner may do can lead there, and nothing may be numbered on top of
    /// it.</exception>
    internal static CommitOutcome Of(PostgresException error)
    {
        var detail = Errors.Describe(error);
        // Who ends the session says nothing about its last commit; nor does a pooler (class 08) whose server
        // connection broke. A fence that was passed already would then take our own facts for another owner's.
        if (error.InvariantSeverity is "FATAL" or "PANIC" || error.SqlState.StartsWith("08", StringComparison.Ordinal))
            return new CommitOutcome.Unknown(detail);
        return error.SqlState switch
        {
            FenceState => Fenced,
            TooEarlyState => TooEarly,
            PostgresErrorCodes.UniqueViolation => OfUnique(error, detail),
            // The server is going down or ended this session: its commit may have been done before that.
            PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown => new CommitOutcome.Unknown(detail),
            // A row that no partition takes, or that is beyond the end of one that is just being cut: this says how
            // the tables stand, not what is wrong with the data.
            PostgresErrorCodes.CheckViolation when error.ConstraintName is null or "cut" => new CommitOutcome.Failed(detail),
            PostgresErrorCodes.CheckViolation or PostgresErrorCodes.NotNullViolation
                or PostgresErrorCodes.ProgramLimitExceeded => new CommitOutcome.DataError(detail),
            _ when error.SqlState.StartsWith("22", StringComparison.Ordinal) => new CommitOutcome.DataError(detail),
            // The server answered with an error, so the transaction is rolled back: locks, deadlocks, a full disk,
            // time-outs of the server and everything not foreseen.
            _ => new CommitOutcome.Failed(detail),
        };
    }

    private static CommitOutcome OfUnique(PostgresException error, string detail) => error.TableName switch
    {
        "idempotency" => DuplicateKey,
        // A key that was new to the owner is not: what it remembers is not what is stored. It must forget and load
        // again.
        "record" => Fenced,
        _ => throw new SyncException(SyncErrorCode.Corrupt, $"A fact exists beyond its feed's position ({detail}).", false, error),
    };
}
