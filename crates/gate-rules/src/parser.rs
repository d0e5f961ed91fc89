//! From tokens to a tree of comparisons whose names are resolved.
//!
//! `&&` binds tighter than `||`. Comparisons and groups need a join between them, and parentheses hold whole filters only.

use crate::lexer::{Lexeme, Lexer, Token};
use crate::operand::Operand;
use crate::operator::Operator;
use crate::resolve;
use crate::{RuleError, Scope};
use std::ops::Range;

/// Comparisons in one rule (contract §1.2, §2.4); PocketBase's own limit.
pub const COMPARISONS_MAX: usize = 200;

/// Parentheses inside each other. Far more than anyone writes, far less than any stack or SQLite's parser takes.
pub const NESTING_MAX: usize = 50;

/// A filter: comparisons and how they are joined.
#[derive(Debug)]
pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Comparison(Comparison),
}

/// Two operands and what is asked of them. Spans are bytes of the rule's text.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) left: Side,
    pub(crate) operator: Operator,
    pub(crate) right: Side,
}

/// One side of a comparison.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) operand: Operand,
    pub(crate) span: Range<usize>,
}

/// Reads `text` as a filter over `scope`.
pub(crate) fn parse(text: &str, scope: &Scope<'_>) -> Result<Node, RuleError> {
    if let Some(position) = text.find('\0') {
        return Err(RuleError::at(text, position, "NUL is not allowed"));
    }
    let mut lexer = Lexer::new(text);
    let next = lexer.next()?;
    let mut parser = Parser { text, scope, lexer, next, comparisons: 0, nesting: 0 };
    let node = parser.any()?;
    match parser.next.token {
        Token::End => Ok(node),
        Token::Close => Err(parser.error("this parenthesis was never opened")),
        _ => Err(parser.expected("&& or ||")),
    }
}

struct Parser<'a> {
    text: &'a str,
    scope: &'a Scope<'a>,
    lexer: Lexer<'a>,
    next: Lexeme<'a>,
    comparisons: usize,
    nesting: usize,
}

impl<'a> Parser<'a> {
    /// What is joined by `||`.
    fn any(&mut self) -> Result<Node, RuleError> {
        let mut nodes = vec![self.all()?];
        while self.next.token == Token::Or {
            self.advance()?;
            nodes.push(self.all()?);
        }
        Ok(one_or(nodes, Node::Any))
    }

    /// What is joined by `&&`.
    fn all(&mut self) -> Result<Node, RuleError> {
        let mut nodes = vec![self.comparison_or_group()?];
        while self.next.token == Token::And {
            self.advance()?;
            nodes.push(self.comparison_or_group()?);
        }
        Ok(one_or(nodes, Node::All))
    }

    fn comparison_or_group(&mut self) -> Result<Node, RuleError> {
        if self.next.token == Token::Open { self.group() } else { self.comparison() }
    }

    fn group(&mut self) -> Result<Node, RuleError> {
        if self.nesting == NESTING_MAX {
            return Err(self.error(format!("parentheses are nested more than {NESTING_MAX} deep")));
        }
        self.nesting += 1;
        let open = self.advance()?;
        let node = self.any()?;
        match self.next.token {
            Token::Close => self.advance()?,
            Token::End => {
                return Err(RuleError::at(self.text, open.start, "this parenthesis is never closed"));
            }
            _ => return Err(self.expected("&&, || or a closing parenthesis")),
        };
        self.nesting -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, RuleError> {
        if self.comparisons == COMPARISONS_MAX {
            return Err(self.error(format!("there are more than {COMPARISONS_MAX} comparisons")));
        }
        self.comparisons += 1;
        let left = self.side("a field, a value or an opening parenthesis")?;
        let Token::Operator(operator) = self.next.token else {
            return Err(self.expected("an operator such as = or ~"));
        };
        self.advance()?;
        let right = self.side("a field or a value")?;
        Ok(Node::Comparison(Comparison { left, operator, right }))
    }

    fn side(&mut self, expected: &str) -> Result<Side, RuleError> {
        let Lexeme { token, start, mut end } = self.next.clone();
        let operand = match token {
            Token::Identifier(name) => {
                self.advance()?;
                if self.next.token == Token::Open && self.next.start == end {
                    let operand = self.function(name, start)?;
                    end = operand.1;
                    operand.0
                } else {
                    self.resolved(start, resolve::identifier(name, self.scope))?
                }
            }
            Token::Number(number) => {
                self.advance()?;
                Operand::Number(number)
            }
            Token::Text(text) => {
                self.advance()?;
                Operand::Text(text.into_owned().into())
            }
            _ => return Err(self.expected(expected)),
        };
        Ok(Side { operand, span: start..end })
    }

    /// A call, behind its name. Gives where it ends, too. No function takes a function, so calls do not nest.
    fn function(&mut self, name: &str, start: usize) -> Result<(Operand, usize), RuleError> {
        let mut arguments = Vec::new();
        self.advance()?;
        loop {
            let argument = self.next.clone();
            let operand = match argument.token {
                Token::Identifier(name) => {
                    self.resolved(argument.start, resolve::identifier(name, self.scope))?
                }
                Token::Number(number) => Operand::Number(number),
                Token::Text(text) => Operand::Text(text.into_owned().into()),
                _ => return Err(self.expected("an argument")),
            };
            self.advance()?;
            arguments.push(operand);
            match self.next.token {
                Token::Comma => self.advance()?,
                Token::Close => break,
                _ => return Err(self.expected("a comma or a closing parenthesis")),
            };
        }
        let end = self.advance()?.end;
        Ok((self.resolved(start, resolve::function(name, arguments))?, end))
    }

    /// Takes the next token.
    fn advance(&mut self) -> Result<Lexeme<'a>, RuleError> {
        let following = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, following))
    }

    fn resolved<T>(&self, byte: usize, resolved: Result<T, String>) -> Result<T, RuleError> {
        resolved.map_err(|problem| RuleError::at(self.text, byte, problem))
    }

    fn error(&self, problem: impl Into<String>) -> RuleError {
        RuleError::at(self.text, self.next.start, problem)
    }

    fn expected(&self, expected: &str) -> RuleError {
        let word = self.text.get(self.next.start..self.next.end).unwrap_or_default();
        match self.next.token {
            Token::End => self.error(format!("expected {expected}, found the end")),
            _ => self.error(format!("expected {expected}, found {word}")),
        }
    }
}

fn one_or(mut nodes: Vec<Node>, join: impl Fn(Vec<Node>) -> Node) -> Node {
    match (nodes.pop(), nodes.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            nodes.extend(last);
            join(nodes)
        }
    }
}
